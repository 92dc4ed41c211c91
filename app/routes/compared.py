"""Which comparison a request asks for: of the page as of the API."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Query

from app.errors import Invalid
from app.schemas.api.limits import MOST_RUNS
from app.schemas.numbers import LARGEST
from app.services.compare.view import MOST_SMOOTHING, USUAL, CompareView, unique
from app.services.studies.figure import MOST_COLUMNS

RunsQuery = Annotated[
    list[str], Query(description="Ids of runs; several separated by commas", examples=[["a,b"]])
]
ColumnsQuery = Annotated[int, Query(ge=1, le=MOST_COLUMNS, description="Of small charts")]


def _drawn(
    runs: RunsQuery = [],
    series: Annotated[
        str,
        Query(
            description="`METRIC.EVALUATOR`, `strongest_induction` (`.L1`: of a layer), "
            "`induction_strength.L1H3` (a head), `induction_strength.L1R2` (the second strongest "
            "of layer 1 at the end of each run); `previous_token` likewise"
        ),
    ] = CompareView.series,
    group: Annotated[
        str, Query(description="`each`, `all`, a field in which configs differ, or `but_seeds`")
    ] = CompareView.group,
    view: Annotated[
        str, Query(description="`overlay`, or `panels`: a chart a group")
    ] = CompareView.view,
    align: Annotated[
        str, Query(description="`sequences`, or `midpoint`: count from that of the phase change")
    ] = CompareView.align,
    baseline: Annotated[str, Query(description="The run to subtract from the others")] = "",
    smoothing: Annotated[
        float, Query(ge=0, le=MOST_SMOOTHING, description="Weight of the moving mean")
    ] = CompareView.smoothing,
    start: Annotated[
        int | None, Query(alias="from", ge=-LARGEST, le=LARGEST, description="Start of the x axis")
    ] = None,
    end: Annotated[
        int | None, Query(alias="to", ge=-LARGEST, le=LARGEST, description="End of the x axis")
    ] = None,
) -> CompareView:
    if start is not None and end is not None and start > end:
        raise Invalid("`from` must not be above `to`.", loc="query/from")
    return CompareView(
        unique(runs), series, group, view, align, baseline, smoothing, start=start, end=end
    )


DrawnDep = Annotated[CompareView, Depends(_drawn)]


def _with_outcomes(
    drawn: DrawnDep,
    x: Annotated[
        str, Query(description="A setting or an outcome by its id, or `all`; else what is usual")
    ] = "",
    y: Annotated[str, Query(description="What is drawn against it")] = "",
    heads: Annotated[str, Query(description="Which strength of heads")] = USUAL.heads,
    moment: Annotated[
        str, Query(description="When: `onset`, `midpoint`, `end` or `last`")
    ] = USUAL.moment,
) -> CompareView:
    """With what is drawn of settings and outcomes."""
    return replace(drawn, x=x, y=y, heads=heads, moment=moment)


WithOutcomesDep = Annotated[CompareView, Depends(_with_outcomes)]


def check_count(runs: Sequence[str]) -> None:
    """Raises `Invalid` unless there are runs, and not too many."""
    if not runs:
        raise Invalid("Say which runs to compare: ?runs=ID,ID.", loc="query/runs")
    if len(runs) > MOST_RUNS:
        raise Invalid(f"At most {MOST_RUNS} runs, not {len(runs)}.", loc="query/runs")
