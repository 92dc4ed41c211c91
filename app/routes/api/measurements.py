"""REST: what runs measured, of one run or of many; as columns, or as tables with every line."""

from collections.abc import Iterator, Sequence
from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse
from sqlalchemy.orm import Session

from app.db.models import Run
from app.dependencies import RunDep, Services, ServicesDep, SessionDep
from app.errors import Invalid
from app.routes.answers import ARROW, PARQUET, TableResponse, table_response, tables
from app.routes.api.spans import SpanDep
from app.schemas.api.limits import MOST_RUNS, MOST_RUNS_OF_TABLE
from app.schemas.api.series import MeasurementsOfRuns, MeasurementsRead
from app.schemas.config import RunConfig
from app.services.arrow_tables import ArrowForm
from app.services.csv_text import begun
from app.services.runs.lifecycle import runs_or_error
from app.services.series.arrow import arrow_pieces
from app.services.series.measurements import SequenceRange, read_many, read_series
from app.services.series.names import select_series
from app.services.series.tables import RunSeries, csv_lines, json_lines

router = APIRouter(tags=["series"])

CSV, JSON_LINES = "text/csv", "application/x-ndjson"
SUFFIXES = {CSV: "csv", JSON_LINES: "jsonl", PARQUET: "parquet", ARROW: "arrow"}
TABLES = tables(*SUFFIXES)
SeriesQuery = Annotated[
    list[str],
    Query(
        description="Names such as `loss.train` or `induction_strength.L1H3`, with `*` for anything"
        "; several separated by commas",
        examples=[["loss.*,induction_strength.L1H3"]],
    ),
]
RunsQuery = Annotated[
    list[str],
    Query(
        description=f"Ids of runs, separated by commas; {MOST_RUNS} at most, {MOST_RUNS_OF_TABLE}"
        " for a table"
    ),
]
Accept = Annotated[str, Header(include_in_schema=False)]


@router.get("/runs/{run_id}/measurements", responses=TABLES, response_model=MeasurementsRead)
def get_measurements(
    run: RunDep,
    session: SessionDep,
    made: ServicesDep,
    span: SpanDep,
    series: SeriesQuery = ["loss.*"],
    accept: Accept = "",
) -> MeasurementsRead | Response:
    """Series over `sequences`, as columns; with `Accept: text/csv`, `application/x-ndjson`,
    `application/vnd.apache.parquet` or `application/vnd.apache.arrow.stream` every measurement of
    the range, nothing thinned.
    """
    patterns = _split(series)
    if (kind := _table(accept)) is None:
        return read_series(session, run, patterns, span)
    return _written(made, [run], patterns, span, kind)


@router.get("/runs/{run_id}/measurements.csv", responses=TABLES, response_class=StreamingResponse)
def get_measurements_csv(
    run: RunDep,
    made: ServicesDep,
    span: SpanDep,
    series: SeriesQuery = ["*"],
) -> Response:
    """Every measurement as a table, nothing thinned.

    Columns: `sequences`, `computed_at_utc`, `elapsed_seconds`, then the series by name; losses end
    in `_nats`, the others are shares and strengths without a unit. `nan`, `inf` and `-inf` are
    written out.
    """
    return _written(made, [run], _split(series), span, CSV)


@router.get("/runs/{run_id}/measurements.jsonl", responses=TABLES, response_class=StreamingResponse)
def get_measurements_jsonl(
    run: RunDep,
    made: ServicesDep,
    span: SpanDep,
    series: SeriesQuery = ["*"],
) -> Response:
    """Every measurement as a JSON object a line, nothing thinned.

    What is not finite is null; `nonfinite` of the line says what it was.
    """
    return _written(made, [run], _split(series), span, JSON_LINES)


@router.get(
    "/runs/{run_id}/measurements.parquet", responses=tables(PARQUET), response_class=TableResponse
)
def get_measurements_parquet(
    run: RunDep,
    made: ServicesDep,
    span: SpanDep,
    series: SeriesQuery = ["*"],
) -> Response:
    """Every measurement as Parquet, in the columns of the CSV: `sequences` as 64-bit whole numbers,
    moments in UTC, all others as 64-bit floating numbers. NaN is a number; null is what a model
    does not have.
    """
    return _written(made, [run], _split(series), span, PARQUET)


@router.get(
    "/runs/{run_id}/measurements.arrow", responses=tables(ARROW), response_class=TableResponse
)
def get_measurements_arrow(
    run: RunDep,
    made: ServicesDep,
    span: SpanDep,
    series: SeriesQuery = ["*"],
) -> Response:
    """As Parquet, but as a stream of Arrow (IPC)."""
    return _written(made, [run], _split(series), span, ARROW)


@router.get("/measurements", responses=TABLES, response_model=MeasurementsOfRuns)
def get_measurements_of_runs(
    session: SessionDep,
    made: ServicesDep,
    span: SpanDep,
    runs: RunsQuery,
    series: SeriesQuery = ["loss.train"],
    accept: Accept = "",
) -> MeasurementsOfRuns | Response:
    """Series of many runs at once, each thinned by itself; the other kinds as for one run."""
    patterns, kind = _split(series), _table(accept)
    found = _found(session, runs, most=MOST_RUNS if kind is None else MOST_RUNS_OF_TABLE)
    if kind is not None:
        return _written(made, found, patterns, span, kind, named=True)
    return MeasurementsOfRuns(runs=read_many(session, found, patterns, span))


@router.get("/measurements.csv", responses=TABLES, response_class=StreamingResponse)
def get_measurements_of_runs_csv(
    session: SessionDep,
    made: ServicesDep,
    span: SpanDep,
    runs: RunsQuery,
    series: SeriesQuery = ["*"],
) -> Response:
    """As of one run, the run's id in front; empty where a model has no such head."""
    found = _found(session, runs)
    return _written(made, found, _split(series), span, CSV, named=True)


@router.get("/measurements.jsonl", responses=TABLES, response_class=StreamingResponse)
def get_measurements_of_runs_jsonl(
    session: SessionDep,
    made: ServicesDep,
    span: SpanDep,
    runs: RunsQuery,
    series: SeriesQuery = ["*"],
) -> Response:
    """As of one run, one run after the other."""
    found = _found(session, runs)
    return _written(made, found, _split(series), span, JSON_LINES, named=True)


@router.get("/measurements.parquet", responses=tables(PARQUET), response_class=TableResponse)
def get_measurements_of_runs_parquet(
    session: SessionDep,
    made: ServicesDep,
    span: SpanDep,
    runs: RunsQuery,
    series: SeriesQuery = ["*"],
) -> Response:
    """As of one run, the run's id in front; null where a model has no such head."""
    found = _found(session, runs)
    return _written(made, found, _split(series), span, PARQUET, named=True)


@router.get("/measurements.arrow", responses=tables(ARROW), response_class=TableResponse)
def get_measurements_of_runs_arrow(
    session: SessionDep,
    made: ServicesDep,
    span: SpanDep,
    runs: RunsQuery,
    series: SeriesQuery = ["*"],
) -> Response:
    """As Parquet, but as a stream of Arrow (IPC)."""
    found = _found(session, runs)
    return _written(made, found, _split(series), span, ARROW, named=True)


def _table(accept: str) -> str | None:
    """The table that a client asks for, if it asks for one."""
    return next((kind for kind in SUFFIXES if kind in accept), None)


def _split(names: list[str]) -> list[str]:
    return [name.strip() for part in names for name in part.split(",") if name.strip()]


def _found(session: Session, runs: list[str], most: int = MOST_RUNS_OF_TABLE) -> list[Run]:
    """The runs that were asked for, each once."""
    ids = list(dict.fromkeys(_split(runs)))
    if not 0 < len(ids) <= most:
        said = f"{len(ids)} runs were asked for; name 1 to {most}, separated by commas."
        raise Invalid(said, loc="query/runs")
    return runs_or_error(session, ids)


def _written(
    made: Services,
    runs: Sequence[Run],
    patterns: list[str],
    span: SequenceRange,
    kind: str,
    *,
    named: bool = False,
) -> StreamingResponse:
    # All that can be refused is refused here, while there is still a status to send.
    parts = [
        RunSeries(run.id, select_series(RunConfig.model_validate(run.config), patterns))
        for run in runs
    ]
    name = "measurements" if named else runs[0].id
    # Read while they are sent, when this request's own session is closed: page by page, each in a
    # transaction of its own.
    pieces: Iterator[str] | Iterator[bytes]
    if kind == CSV:
        pieces = begun(csv_lines(made.engine, parts, span, named=named))
    elif kind == JSON_LINES:
        pieces = begun(json_lines(made.engine, parts, span))
    else:
        form = ArrowForm(SUFFIXES[kind])
        pieces = arrow_pieces(made.engine, form, parts, span, named=named)
    return table_response(pieces, kind, f"{name}.{SUFFIXES[kind]}")
