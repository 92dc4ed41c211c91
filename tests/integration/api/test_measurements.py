"""REST: measurements of many runs at once, of parts of runs, and as tables."""

import csv
import json
import math
import random
from unittest.mock import Mock

import pytest
from psycopg.pq import Format
from sqlalchemy import event

from app.db import series
from app.db.engine import session_scope
from app.schemas.api.limits import MOST_RUNS
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.services.series import measurements
from tests.integration.support.rows import add, measurement, moved, new_run
from tests.unit.services import slow_thinning

API = "/api/v1"
MANY = f"{API}/measurements"
ODD = (math.nan, math.inf, -math.inf, 0.5, 0.5)


@pytest.fixture
def run_id(engine, outbox) -> str:
    return new_run(engine, outbox)


@pytest.fixture
def other_id(engine, outbox) -> str:
    """A model with a layer less."""
    model = {"heads": 2, "width": 16, "layers": 1}
    return new_run(engine, outbox, RunConfig.model_validate({"model": model}))


def _one_layer(place: int):
    one = measurement(place)
    strengths = {"induction_strength", "previous_token_strength"}
    return one.model_copy(update={name: getattr(one, name)[:1] for name in strengths})


def test_what_is_kept_is_what_the_rule_keeps_however_the_rows_lie(client, engine, run_id):
    rng = random.Random(5)
    losses = [rng.choice((rng.gauss(0, 1), *ODD[:: rng.randint(1, 4)])) for _ in range(900)]
    rows = [measurement(7 * n, loss=loss) for n, loss in enumerate(losses)]
    rng.shuffle(rows)
    add(engine, run_id, *rows)

    path = f"{API}/runs/{run_id}/measurements"
    body = client.get(path, params={"series": "loss.train", "max_points": 80}).json()

    kept, width = slow_thinning.thin([7 * n for n in range(900)], [losses], 80)
    assert body["thinning"]["bucket_sequences"] == width
    assert body["sequences"] == [7 * n for n in kept]
    said = [losses[n] if math.isfinite(losses[n]) else None for n in kept]
    assert body["series"]["loss.train"] == said
    assert body["computed_at"][-1] == "2026-01-02T12:00:06.293000Z"


def test_many_runs_are_given_as_each_alone_in_the_order_asked_for(client, engine, run_id, other_id):
    add(engine, run_id, *(measurement(10 * n) for n in range(300)))
    add(engine, other_id, *(_one_layer(10 * n) for n in range(5)))
    query = {"series": "loss.*,induction_strength.L0H*", "max_points": 50, "from": 20}

    both = client.get(MANY, params={"runs": f"{other_id},{run_id},{other_id}", **query}).json()

    alone = [
        client.get(f"{API}/runs/{one}/measurements", params=query).json()
        for one in (other_id, run_id)
    ]
    assert both["runs"] == alone
    assert [run["thinning"]["of"] for run in alone] == [3, 298]


def test_arrays_are_read_whole_and_say_the_same_as_their_numbers(engine, run_id, other_id):
    add(engine, run_id, *(measurement(n, loss=ODD[n % 5]) for n in (3, 1, 4, 0, 2)))
    add(engine, other_id, _one_layer(7))
    places = [("loss", (0,)), ("loss", (3,)), ("elapsed_seconds", ())]
    places += [("induction_strength", (layer, head)) for layer in (0, 1) for head in (0, 1, 2)]
    asked = []

    def note(_connection, cursor, statement, *_):
        asked.append((statement.count("array_agg"), cursor.format))

    with session_scope(engine) as session:
        ids = [run_id, other_id]
        one_by_one = series.columns_of(session, ids, [series.number_of(m, *p) for m, p in places])
        event.listen(engine, "before_cursor_execute", note)
        whole = series.columns_of(session, ids, [series.Number(m, p) for m, p in places])
        event.remove(engine, "before_cursor_execute", note)

    assert repr(whole) == repr(one_by_one)  # NaN is NaN
    assert math.isnan(whole[run_id].numbers[-1][0]), "no such head"
    assert math.isnan(whole[other_id].numbers[-3][0]), "no such layer"
    assert asked == [(4, Format.BINARY)]  # places, and each array once


def test_runs_without_measurements_are_empty_not_missing(client, engine, run_id, other_id):
    add(engine, run_id, measurement(0))

    empty, full = client.get(MANY, params={"runs": f"{other_id},{run_id}"}).json()["runs"]

    assert (empty["run_id"], empty["sequences"], empty["series"]) == (
        other_id,
        [],
        {"loss.train": []},
    )
    assert full["sequences"] == [0]


def test_asking_for_no_runs_too_many_or_unknown_ones_is_refused(client, run_id):
    none = client.get(MANY, params={"runs": " , "})
    many = client.get(MANY, params={"runs": ",".join(f"r{n}" for n in range(MOST_RUNS + 1))})
    unknown = client.get(MANY, params={"runs": f"{run_id},zap"})

    assert (none.status_code, many.status_code, unknown.status_code) == (422, 422, 404)
    assert f"name 1 to {MOST_RUNS}" in many.json()["detail"]
    assert none.json()["errors"][0]["loc"] == "query/runs"
    assert "'zap'" in unknown.json()["detail"]


def test_the_table_of_many_runs_names_them_and_leaves_empty_what_a_model_lacks(
    client, engine, run_id, other_id
):
    add(engine, run_id, measurement(0), measurement(10))
    add(engine, other_id, _one_layer(0))

    answer = client.get(f"{MANY}.csv", params={"runs": f"{run_id},{other_id}", "to": 5})

    lines = list(csv.DictReader(answer.text.splitlines()))
    assert [line["run_id"] for line in lines] == [run_id, other_id]
    assert [line["induction_strength.L1H1"] for line in lines] == ["0.13", ""]
    assert [line["induction_strength.L0H1"] for line in lines] == ["0.11", "0.11"]
    assert "measurements.csv" in answer.headers["Content-Disposition"]


def test_lines_of_json_hold_every_measurement_and_say_what_is_not_finite(client, engine, run_id):
    add(engine, run_id, *(measurement(10 * n) for n in range(1001)))
    add(engine, run_id, measurement(10_010, loss=math.inf))
    path = f"{API}/runs/{run_id}/measurements"

    answer = client.get(f"{path}.jsonl", params={"series": "loss.train"})

    assert answer.headers["Content-Type"].startswith("application/x-ndjson")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["sequences"] for line in lines] == [10 * n for n in range(1002)]
    assert lines[0] == {
        "run_id": run_id,
        "sequences": 0,
        "computed_at": "2026-01-02T12:00:00+00:00",
        "elapsed_seconds": 0.0,
        "loss.train": 0.7,
    }
    assert (lines[-1]["loss.train"], lines[-1]["nonfinite"]) == (None, {"loss.train": "inf"})
    accepted = client.get(
        path, params={"series": "loss.train"}, headers={"Accept": "application/x-ndjson"}
    )
    assert accepted.text == answer.text


def test_a_part_of_a_run_is_thinned_by_itself_into_finer_buckets(client, engine, run_id):
    add(engine, run_id, *(measurement(10 * n) for n in range(600)))
    part = {"from": 1000, "to": 1990, "max_points": 100}

    for name in ("heads", "measurements", "figures/loss"):
        path = f"{API}/runs/{run_id}/{name}"
        whole = _thinning(client.get(path, params={"max_points": 100}).json())
        zoomed = client.get(path, params=part).json()

        assert whole["of"] == 600, name
        assert whole["points"] <= 100, name
        assert _thinning(zoomed) == {
            "rule": "none",
            "bucket_sequences": None,
            "points": 100,
            "of": 100,
        }, name
    # A line also has a point beyond either edge, so that it reaches them.
    assert zoomed["data"][0]["x"] == [990 + 10 * n for n in range(102)]


def _thinning(body):
    return body["layout"]["meta"]["thinning"] if "layout" in body else body["thinning"]


def test_a_range_that_ends_before_it_begins_is_refused(client, run_id):
    answer = client.get(f"{API}/runs/{run_id}/heads", params={"from": 50, "to": 40})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == "query/to"
    assert "ends at 40, before it begins at 50" in answer.json()["detail"]


@pytest.mark.parametrize(("ends", "looks"), [(False, 2), (True, 1)])
def test_of_an_ended_run_the_kept_measurements_are_looked_for_once(
    client, engine, outbox, monkeypatch, ends, looks
):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    add(engine, run_id, *(measurement(32 * place) for place in range(1_100)))
    if ends:
        moved(engine, outbox, run_id, RunState.FINISHED)
    thinned = Mock(side_effect=measurements.thin)
    monkeypatch.setattr(measurements, "thin", thinned)

    first, again = (client.get(f"/api/v1/runs/{run_id}/figures/loss").json() for _ in range(2))

    assert first == again
    assert first["layout"]["meta"]["thinning"]["of"] == 1_100
    assert thinned.call_count == looks
