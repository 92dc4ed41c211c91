"""What a figure's block shows, read from its query as the page of its address reads it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar
from urllib.parse import parse_qs, urlencode

from pydantic import TypeAdapter, ValidationError

from app.errors import Invalid
from app.schemas.boards import Block, ComparisonBlock, FigureBlock, RunBlock, StudyBlock, TextBlock
from app.schemas.measure import Metric
from app.schemas.view import ChartView
from app.services.charts.curves import metric_or_error
from app.services.charts.run_figures import FigureName
from app.services.compare.view import MOST_SMOOTHING, CompareView, unique
from app.services.studies.figure import StudyView

_COMPARISON, _STUDY = TypeAdapter(CompareView), TypeAdapter(StudyView)
_SEVERAL = ("runs", "hidden")
_RENAMED = {"from": "start", "to": "end"}
View = TypeVar("View")


def check_blocks(blocks: Sequence[Block]) -> None:
    """Raises `Invalid` for the first figure that cannot be read, with its place."""
    for place, block in enumerate(blocks):
        if not isinstance(block, TextBlock):
            try:
                check_view(block)
            except Invalid as error:
                raise Invalid(error.detail, loc=f"/blocks/{place}/{error.loc}") from None


def check_view(block: FigureBlock) -> None:
    """Raises `Invalid` if a figure's name or query says nothing that can be shown."""
    if isinstance(block, RunBlock):
        figure_name(block)
        chart_view(block)
    elif isinstance(block, ComparisonBlock):
        if not compare_view(block).runs:
            raise Invalid("Say which runs to compare: runs=ID,ID.", loc="query")
    else:
        metric_or_error(study_view(block).metric)


def figure_name(block: RunBlock) -> FigureName:
    """Which figure of its run."""
    if block.figure not in list(FigureName):
        there_are = ", ".join(FigureName)
        raise Invalid(
            f"There is no figure {block.figure!r} of a run; there are {there_are}.", loc="figure"
        )
    return FigureName(block.figure)


def chart_view(block: RunBlock) -> ChartView:
    """How it is shown, as on the run's page."""
    known = {field.alias or name for name, field in ChartView.model_fields.items()}
    said = {name: values[-1] for name, values in parse_qs(block.query).items() if name in known}
    return _read(ChartView.model_validate, said)


def compare_view(block: ComparisonBlock) -> CompareView:
    """How it is shown, as on the page of comparisons."""
    parts = parse_qs(block.query)
    said: dict[str, Any] = _named(parts, CompareView)
    said |= {name: tuple(parts[name]) for name in _SEVERAL if name in parts}
    said["runs"] = unique(said.get("runs", ()))
    return _bounded(_read(_COMPARISON.validate_python, said))


def _bounded(view: CompareView) -> CompareView:
    if not 0 <= view.smoothing <= MOST_SMOOTHING:
        raise Invalid(f"The smoothing is a number from 0 to {MOST_SMOOTHING}.", loc="query")
    if view.start is not None and view.end is not None and view.start > view.end:
        raise Invalid("`from` must not be above `to`.", loc="query")
    return view


def study_view(block: StudyBlock) -> StudyView:
    """How it is shown, as on the study's page."""
    return _read(_STUDY.validate_python, _named(parse_qs(block.query), StudyView))


def page_address(block: FigureBlock) -> str:
    """The page that shows the same, and more."""
    if isinstance(block, ComparisonBlock):
        return f"/compare?{block.query}"
    if isinstance(block, StudyBlock):
        path, query = f"/studies/{block.study_id}", block.query
    else:
        path, query = f"/runs/{block.run_id}", _with_metric(block)
    return f"{path}?{query}" if query else path


def _with_metric(block: RunBlock) -> str:
    """The page of a run shows one metric beside the strengths."""
    parts = {name: values[-1] for name, values in parse_qs(block.query).items()}
    if block.figure in list(Metric):
        parts["metric"] = block.figure
    return urlencode(parts, safe=",.")


def _named(
    parts: Mapping[str, Sequence[str]], view: type[CompareView | StudyView]
) -> dict[str, Any]:
    """Those parts of a query that a view knows, by its own names; the last of each."""
    renamed = {_RENAMED.get(name, name): values[-1] for name, values in parts.items()}
    known = {field.name for field in fields(view)}
    return {name: value for name, value in renamed.items() if name in known}


def _read(read: Callable[[Any], View], said: Mapping[str, Any]) -> View:
    try:
        return read(said)
    except ValidationError as error:
        first = error.errors()[0]
        names = {name: said for said, name in _RENAMED.items()}
        place = ".".join(names.get(str(one), str(one)) for one in first["loc"])
        message = first["msg"] if not place else f"{place}: {first['msg']}"
        raise Invalid(f"The query cannot be read: {message}.", loc="query") from None
