"""What the charts of a run's page show: the query of its address, and of its figures."""

import re
from enum import StrEnum
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.measure import EVALUATORS, Metric
from app.schemas.series import for_each_panel


class XAxis(StrEnum):
    """What the x axis of a figure counts."""

    SEQUENCES = "sequences"
    UPDATES = "updates"
    ELAPSED = "elapsed"  # training time so far
    LOG = "log"  # sequences, logarithmic


class YAxis(StrEnum):
    """How the y axis of a figure of the evaluators is divided."""

    LINEAR = "linear"
    LOG = "log"


class Drawing(StrEnum):
    """How the strengths of the heads are drawn."""

    LINES = "lines"
    HEATMAP = "heatmap"  # head by time


def _known_evaluators(text: str) -> str:
    unknown = [name for name in _parts(text) if name not in set(EVALUATORS)]
    if unknown:
        raise PydanticCustomError(
            "evaluator",
            "There is no evaluator {unknown}; there are {known}, separated by commas",
            {"unknown": repr(unknown[0]), "known": ", ".join(EVALUATORS)},
        )
    return text


def _whole_numbers(text: str) -> str:
    wrong = [part for part in _parts(text) if not re.fullmatch("[0-9]{1,4}", part)]
    if wrong:
        raise PydanticCustomError(
            "heads",
            "{wrong} is not the number of a head; write for instance 0,3",
            {"wrong": repr(wrong[0])},
        )
    return text


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


_Heads = Annotated[str, AfterValidator(_whole_numbers)]


@for_each_panel(_Heads, "", "{0.kind}_hide")
@for_each_panel(int | None, Field(None, ge=1), "{0.kind}_layer")
@for_each_panel(Drawing, Drawing.LINES, "{0.kind}")
class _ChartsView(BaseModel):
    """Of the metric's chart, and for every strength how it is drawn and which layer is shown."""

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    metric: Metric = Metric.LOSS
    x: XAxis = XAxis.SEQUENCES
    y: YAxis = YAxis.LINEAR
    smooth: float = Field(0, ge=0, le=0.99)
    start: int | None = Field(None, alias="from", ge=0)
    until: int | None = Field(None, alias="to", ge=0)
    last: int | None = Field(None, ge=1)  # so many sequences up to the latest, following it


class ChartView(_ChartsView):
    """The whole view; what is not given is as usual. Layers count from 1, as on the page."""

    hide: Annotated[str, AfterValidator(_known_evaluators)] = ""
    # Of every strength at once, as links of before have it: heads of one number in two layers have
    # nothing in common.
    hide_heads: Annotated[_Heads, Field(exclude=True)] = ""

    @model_validator(mode="after")
    def _range_has_a_width(self) -> Self:
        if self.until is not None and self.until <= (self.start or 0):
            raise PydanticCustomError(
                "range",
                "The range ends at {until}, before it begins at {start}",
                {"until": self.until, "start": self.start or 0},
            )
        if self.last is not None and (self.start, self.until) != (None, None):
            raise PydanticCustomError(
                "range", "Give either a range, from and to, or how many of the last sequences"
            )
        return self

    @property
    def hidden_evaluators(self) -> frozenset[str]:
        return frozenset(_parts(self.hide))

    def hidden_heads(self, kind: str) -> frozenset[int]:
        """The heads that the chart of a strength leaves out."""
        own: str = getattr(self, f"{kind}_hide")
        return frozenset(map(int, _parts(own or self.hide_heads)))
