"""Parquet and Arrow: the numbers of the CSV, exactly, in types of their own."""

import csv
import io
import math
import threading
from datetime import UTC, datetime

import pytest
from arro3.core import DataType, Table
from arro3.io import read_ipc_stream, read_parquet

from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.services import arrow_tables
from app.services.arrow_tables import ArrowForm
from app.services.series import arrow
from app.services.series.measurements import WHOLE
from app.services.series.names import select_series
from app.services.series.tables import RunSeries
from tests.integration.support.rows import SMALL, add, change, measurement, moved, new_run
from tests.integration.support.wait import until

API = "/api/v1"
KINDS = {
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
READ = {"parquet": read_parquet, "arrow": read_ipc_stream}


@pytest.fixture
def runs(engine, outbox) -> list[str]:
    """Three runs: one with numbers that JSON has no word for, one without any, one of one layer."""
    odd, empty = new_run(engine, outbox, name="=odd"), new_run(engine, outbox)
    small = RunConfig.model_validate({"model": {"heads": 2, "width": 16, "layers": 1}})
    other = new_run(engine, outbox, small)
    losses = (0.1 + 0.2, math.nan, math.inf, -math.inf, 5e-324)
    add(engine, odd, *(measurement(7 * n, loss=loss) for n, loss in enumerate(losses)))
    one = measurement(9)
    strengths = ("induction_strength", "previous_token_strength")
    add(engine, other, one.model_copy(update={name: getattr(one, name)[:1] for name in strengths}))
    return [odd, empty, other]


def read(client, path: str, form: str, **query) -> Table:
    answer = client.get(f"{API}/{path}.{form}", params=query)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == KINDS[form]
    assert f'.{form}"' in answer.headers["Content-Disposition"]
    return READ[form](io.BytesIO(answer.content)).read_all()


def cells(table: Table) -> list[list[object]]:
    columns = [table[name].to_pylist() for name in table.column_names]
    return [list(row) for row in zip(*columns, strict=True)]


def as_csv(cell: object) -> str:
    if isinstance(cell, datetime):
        return cell.astimezone(UTC).isoformat()
    return "" if cell is None else str(cell)


def lines(client, path: str, **query) -> list[list[str]]:
    return list(csv.reader(client.get(f"{API}/{path}.csv", params=query).text.splitlines()))


@pytest.mark.parametrize("form", KINDS)
def test_numbers_are_those_of_the_csv_in_their_types(client, runs, form):
    query = {"runs": ",".join(runs)}
    table = read(client, "measurements", form, **query)

    head, *rest = lines(client, "measurements", **query)
    assert table.column_names == head
    assert [list(map(as_csv, row)) for row in cells(table)] == rest
    kinds = dict(zip(head, (field.type for field in table.schema), strict=True))
    assert kinds.pop("run_id") == DataType.utf8()
    assert kinds.pop("sequences") == DataType.int64()
    assert kinds.pop("computed_at_utc") == DataType.timestamp("us", tz="UTC")
    assert set(kinds.values()) == {DataType.float64()}
    assert table["induction_strength.L1H1"].to_pylist()[-1] is None
    assert math.isnan(table["loss.train_nats"].to_pylist()[1])


@pytest.mark.parametrize("form", KINDS)
def test_one_run_by_its_suffix_and_by_what_is_accepted(client, runs, form):
    query = {"series": "loss.*", "from": 7, "to": 21}
    table = read(client, f"runs/{runs[0]}/measurements", form, **query)
    path = f"{API}/runs/{runs[0]}/measurements"
    accepted = client.get(path, params=query, headers={"Accept": KINDS[form]})

    assert table["sequences"].to_pylist() == [7, 14, 21]
    assert accepted.headers["Content-Type"] == KINDS[form]
    assert READ[form](io.BytesIO(accepted.content)).read_all().num_rows == 3


def test_long_runs_are_read_in_parts_and_none_is_left_out(monkeypatch, engine, runs, client):
    monkeypatch.setattr(arrow, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(arrow, "RUNS_AT_ONCE", 2)

    for span in ({}, {"to": 14}, {"from": 8, "to": 27}):
        table = read(client, "measurements", "arrow", runs=",".join(runs), **span)
        _, *rest = lines(client, "measurements", runs=",".join(runs), **span)
        assert [list(map(as_csv, row)) for row in cells(table)] == rest


@pytest.mark.parametrize("form", KINDS)
def test_the_list_of_runs_and_a_comparison(client, engine, outbox, runs, form):
    moved(engine, outbox, runs[0], RunState.CANCELLED)
    change(engine, runs[0], train_loss=-0.5, tags=["a", "b"])
    query = {"columns": "tags,train_loss,clamps,created,seeds.initial,training.learning_rate"}
    table = read(client, "runs", form, **query)
    compared = {"runs": f"{runs[0]},{runs[2]}", "series": "loss.train"}
    comparison = read(client, "compare", form, **compared)

    head, *rest = lines(client, "runs", **query)
    assert table.column_names == head
    said = [[cell.removeprefix("'") for cell in row] for row in rest]
    assert [list(map(as_csv, row)) for row in cells(table)] == said
    kinds = [field.type for field in table.schema]
    text, whole, number = DataType.utf8(), DataType.int64(), DataType.float64()
    moment = DataType.timestamp("us", tz="UTC")
    assert kinds == [text, text, text, number, whole, moment, whole, number]
    head, *rest = lines(client, "compare", **compared)
    numbers = [[float(row[4]), float(row[5] or "nan")] for row in rest]
    assert comparison.column_names == head
    assert str([row[4:6] for row in cells(comparison)]) == str(numbers)


@pytest.mark.parametrize(
    "path", ["runs.parquet?sort=nothing", "runs.arrow?clamp=AAA", "compare.arrow?runs=zap"]
)
def test_what_cannot_be_made_is_refused_before_its_first_byte(client, path):
    answer = client.get(f"{API}/{path}")

    assert answer.status_code in (404, 422)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_list_without_runs_is_a_table_without_rows(client):
    assert read(client, "runs", "parquet").num_rows == 0
    assert read(client, "runs", "arrow").column_names[:2] == ["id", "name"]


@pytest.mark.parametrize("form", ArrowForm)
def test_a_reader_who_leaves_lets_the_writer_go(engine, runs, form, monkeypatch):
    """No thread is left behind, and the rest is not read."""
    read_parts = []
    parts = [RunSeries(runs[0], tuple(select_series(SMALL, ["loss.*"])))] * 3000
    columns_of = arrow.rows.columns_of
    monkeypatch.setattr(arrow, "RUNS_AT_ONCE", 1)
    monkeypatch.setattr(arrow_tables, "ROWS_OF_GROUP", 50)
    monkeypatch.setattr(
        arrow.rows, "columns_of", lambda *a, **k: read_parts.append(1) or columns_of(*a, **k)
    )
    pieces = arrow.arrow_pieces(engine, form, parts, WHOLE, named=True)
    next(pieces)
    pieces.close()

    until(lambda: "table" not in {thread.name for thread in threading.enumerate()})
    assert len(read_parts) < 300


def test_what_breaks_the_table_midway_is_raised_and_not_swallowed(engine, runs, monkeypatch):
    parts = [RunSeries(runs[0], tuple(select_series(SMALL, ["loss.*"])))] * 3
    monkeypatch.setattr(arrow, "RUNS_AT_ONCE", 1)
    pieces = arrow.arrow_pieces(engine, ArrowForm.ARROW, parts, WHOLE, named=True)
    monkeypatch.setattr(arrow.rows, "columns_of", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        list(pieces)
