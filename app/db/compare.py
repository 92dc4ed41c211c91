"""Statements about any set of runs: the runs, one number of all, and their last strengths."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.db.models import MeasurementRow, Run, StudyRunRow
from app.db.series import columns_of, number_of
from app.db.studies import Curve

Strengths = Sequence[Sequence[float]]  # [layer][head]


def runs_by_id(session: Session, run_ids: Collection[str]) -> dict[str, Run]:
    """Those of the runs that there are."""
    found = session.scalars(select(Run).where(Run.id.in_(run_ids)))
    return {run.id: run for run in found}


def known_runs(session: Session, run_ids: Collection[str]) -> set[str]:
    """Those of the ids that are runs."""
    return set(session.scalars(select(Run.id).where(Run.id.in_(run_ids))))


def runs_of_study(session: Session, study_id: str) -> Sequence[str]:
    """The ids of a study's runs, in its order."""
    own = (
        select(StudyRunRow.run_id)
        .where(StudyRunRow.study_id == study_id)
        .order_by(StudyRunRow.place)
    )
    return session.scalars(own).all()


def curves(session: Session, run_ids: Collection[str], number: ColumnElement[float]) -> list[Curve]:
    """One number of every measurement of every one of these runs that has any."""
    found = columns_of(session, run_ids, [number])
    return [Curve(run_id, one.sequences, one.numbers[0]) for run_id, one in found.items()]


def last_strengths(session: Session, run_ids: Collection[str], metric: str) -> dict[str, Strengths]:
    """The strengths of all heads at the last measurement of each run that has any."""
    column: ColumnElement[Strengths] = getattr(MeasurementRow, metric)
    statement = (
        select(MeasurementRow.run_id, column)
        .where(MeasurementRow.run_id.in_(run_ids))
        .ext(distinct_on(MeasurementRow.run_id))
        .order_by(MeasurementRow.run_id, MeasurementRow.sequences.desc())
    )
    return {row.run_id: row[1] for row in session.execute(statement)}


def strongest(metric: str, layer: int | None = None) -> ColumnElement[float]:
    """The largest strength at every measurement: of all heads, or of those of a layer."""
    column = getattr(MeasurementRow, metric)
    if layer is not None:
        column = column[layer + 1 : layer + 1]  # a slice of one row, with all of its columns
    heads = func.unnest(column).column_valued("head")
    return select(func.max(heads)).scalar_subquery()


def head_strength(metric: str, layer: int, head: int) -> ColumnElement[float]:
    """The strength of one head at every measurement."""
    return number_of(metric, layer, head)
