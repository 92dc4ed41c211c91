"""The least and the largest of what runs have measured, kept of those that have ended.

Their measurements do not change any more; to read all of them for one number takes a thousand
times as long (docs/adr/0044). Of runs that go on, and of any other without a row, it is read.
"""

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Double, cast, func, select
from sqlalchemy.dialects.postgresql import array, insert
from sqlalchemy.orm import Session

from app.db.models import MeasurementRow, Run, RunExtremes
from app.db.series import number_of, strongest
from app.schemas.measure import EVALUATORS, METRICS
from app.schemas.series import HEADS

_NAN = float("nan")


@cache
def kept_numbers() -> dict[str, ColumnElement[float]]:
    """What all models report, by its id, in the order of the arrays of `RunExtremes`: a new one
    comes last, or what is kept would be of another."""
    evaluated = {
        f"{metric}.{evaluator}": number_of(metric, index)
        for metric in METRICS
        for index, evaluator in enumerate(EVALUATORS)
    }
    return evaluated | {f"strongest_{one.kind}": strongest(one.id) for one in HEADS}


def keep_extremes(session: Session, run_ids: Collection[str]) -> None:
    """Keeps those of what these runs have measured so far: when no more will come."""
    known = [_known(number) for number in kept_numbers().values()]
    least, most = array([*map(func.min, known)]), array([*map(func.max, known)])
    found = (
        select(MeasurementRow.run_id, least, most)
        .where(MeasurementRow.run_id.in_(run_ids))
        .group_by(MeasurementRow.run_id)
    )
    written = insert(RunExtremes).from_select(["run_id", "least", "most"], found)
    new = {name: written.excluded[name] for name in ("least", "most")}
    session.execute(written.on_conflict_do_update(index_elements=["run_id"], set_=new))


def extreme(name: str, *, is_least: bool) -> ColumnElement[Any]:
    """The least or the largest of what a run measured, for statements about runs."""
    numbers = kept_numbers()
    place = list(numbers).index(name) + 1  # as SQL counts
    arrays = RunExtremes.least if is_least else RunExtremes.most
    kept = select(arrays[place]).where(RunExtremes.run_id == Run.id)
    known = _known(numbers[name])
    read = select(func.min(known) if is_least else func.max(known))
    read = read.where(MeasurementRow.run_id == Run.id)
    # The second is not read if there is the first.
    both = [one.correlate(Run).scalar_subquery() for one in (kept, read)]
    return func.coalesce(*both, type_=Double())


def _known(number: ColumnElement[float]) -> ColumnElement[Any]:
    """NaN is neither the least nor the largest."""
    return func.nullif(cast(number, Double), _NAN, type_=Double())
