"""Which part of a run a request asks for, and how fine: `from`, `to`, `after`, `max_points`."""

from typing import Annotated

from fastapi import Depends, Query

from app.errors import Invalid
from app.schemas.numbers import LARGEST
from app.services.series.measurements import SequenceRange

From = Annotated[
    int, Query(alias="from", ge=0, le=LARGEST, description="First `sequences` of the range")
]
Until = Annotated[
    int | None, Query(alias="to", ge=0, le=LARGEST, description="Last `sequences` of the range")
]
After = Annotated[
    int, Query(ge=-1, le=LARGEST, description="Only what lies past this; -1: everything")
]
MaxPoints = Annotated[int, Query(ge=10, le=100_000, description="Thin out to so many points")]


def _span(
    start: From = 0, until: Until = None, after: After = -1, max_points: MaxPoints = 1000
) -> SequenceRange:
    if until is not None and until < start:
        raise Invalid(f"The range ends at {until}, before it begins at {start}.", loc="query/to")
    return SequenceRange(max(after, start - 1), until, max_points)


SpanDep = Annotated[SequenceRange, Depends(_span)]
