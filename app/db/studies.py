"""Statements about studies: the runs in them, and how far these are."""

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, case, cast, func, select, tuple_
from sqlalchemy.orm import Session

from app.db.locks import WRITING
from app.db.models import Run, Study, StudyRunRow
from app.schemas.state import TERMINAL, RunState


class FigureRun(NamedTuple):
    """What a figure needs to know of a run."""

    run_id: str
    name: str
    values: dict[str, str]
    total_sequences: int
    seed: int  # of its initial weights
    context_pairs: int
    burstiness: int
    colour: str | None = None  # if one was chosen

    @property
    def labels_in_context(self) -> int:
        return self.context_pairs // self.burstiness


class Tally(NamedTuple):
    """The runs of a study that are in one state, added up."""

    study_id: str
    state: str
    runs: int
    sequences: int
    total_sequences: int
    rate: float | None


def study_by_id(session: Session, study_id: str) -> Study | None:
    """The study, if there is one."""
    return session.get(Study, study_id)


def studies_page(
    session: Session, *, limit: int, past: tuple[datetime, str] | None = None
) -> Sequence[Study]:
    """Studies, the newest first, from those past the given moment and id on."""
    statement = select(Study).order_by(Study.created_at.desc(), Study.id.desc()).limit(limit)
    if past is not None:
        statement = statement.where(tuple_(Study.created_at, Study.id) < past)
    return session.scalars(statement).all()


def tallies(session: Session, study_ids: Collection[str]) -> list[Tally]:
    """How far the runs of these studies are, by state."""
    is_running = Run.state == RunState.RUNNING
    rate = func.sum(
        case((is_running & (Run.sequences_per_second < math.inf), Run.sequences_per_second))
    )
    statement = (
        select(
            StudyRunRow.study_id,
            Run.state,
            func.count(),
            cast(func.sum(func.least(Run.sequences, Run.total_sequences)), BigInteger),
            cast(func.sum(Run.total_sequences), BigInteger),
            rate,
        )
        .join(Run, Run.id == StudyRunRow.run_id)
        .where(StudyRunRow.study_id.in_(study_ids))
        .group_by(StudyRunRow.study_id, Run.state)
    )
    return [Tally(*row) for row in session.execute(statement)]


def runs_of_study(
    session: Session, study_id: str, *, limit: int | None = None, offset: int = 0
) -> Sequence[tuple[StudyRunRow, Run]]:
    """The runs of a study, in its order."""
    statement = (
        select(StudyRunRow, Run)
        .join(Run, Run.id == StudyRunRow.run_id)
        .where(StudyRunRow.study_id == study_id)
        .order_by(StudyRunRow.place)
        .limit(limit)
        .offset(offset)
    )
    return [(place, run) for place, run in session.execute(statement)]


def run_ids_of_study(session: Session, study_id: str) -> Sequence[str]:
    """The ids of a study's runs, in its order."""
    own = (
        select(StudyRunRow.run_id)
        .where(StudyRunRow.study_id == study_id)
        .order_by(StudyRunRow.place)
    )
    return session.scalars(own).all()


def figure_runs(session: Session, study_id: str) -> list[FigureRun]:
    """What a figure needs to know of the runs of a study, in its order."""
    statement = (
        select(
            StudyRunRow.run_id,
            StudyRunRow.name,
            StudyRunRow.values,
            Run.total_sequences,
            cast(Run.config[("seeds", "initial")].as_string(), BigInteger),
            Run.config[("task", "context_pairs")].as_integer(),
            Run.config[("task", "burstiness")].as_integer(),
            Run.colour,
        )
        .join(Run, Run.id == StudyRunRow.run_id)
        .where(StudyRunRow.study_id == study_id)
        .order_by(StudyRunRow.place)
    )
    return [FigureRun(*row) for row in session.execute(statement)]


def locked_runs(session: Session, study_id: str) -> Sequence[Run]:
    """The runs of a study, locked one after the other until the transaction ends."""
    statement = (
        select(Run)
        .join(StudyRunRow, Run.id == StudyRunRow.run_id)
        .where(StudyRunRow.study_id == study_id)
        # In the order in which recorders and bulk requests lock: see `claims.hold_all`.
        .order_by(Run.id)
        .with_for_update(of=Run, **WRITING)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).all()


def finished_runs(
    session: Session, hashes: Collection[str], contents: Mapping[str, str | None]
) -> dict[str, str]:
    """The latest finished run of every config, by the config's hash; `contents`: of those that are
    trained from a file, the SHA-256 that it must have had.

    Forks share part of another config's curve.
    """
    statement = (
        select(Run.config_hash, Run.id, Run.data_sha256)
        .where(
            Run.config_hash.in_(hashes),
            Run.state == RunState.FINISHED,
            Run.forked_at.is_(None),
        )
        .order_by(Run.created_at)  # the latest of a hash comes last, and stays in the dict
    )
    return {
        row.config_hash: row.id
        for row in session.execute(statement)
        if row.config_hash not in contents
        or (row.data_sha256 is not None and row.data_sha256 == contents[row.config_hash])
    }


class ConfigRun(NamedTuple):
    """A run of a config: the one to draw."""

    config_hash: str
    id: str
    name: str
    state: RunState
    sequences: int
    total_sequences: int
    colour: str | None


def runs_of_configs(session: Session, hashes: Collection[str]) -> dict[str, ConfigRun]:
    """For every config the run that stands for it, by the config's hash: the latest that has
    finished, else the latest that goes on, else the latest. Forks share part of another's curve."""
    rank = case((Run.state == RunState.FINISHED, 2), (Run.state.not_in(TERMINAL), 1), else_=0)
    statement = (
        select(
            Run.config_hash,
            Run.id,
            Run.name,
            Run.state,
            Run.sequences,
            Run.total_sequences,
            Run.colour,
        )
        .where(Run.config_hash.in_(hashes), Run.forked_at.is_(None))
        .order_by(rank, Run.created_at)  # the best of a hash comes last, and stays in the dict
    )
    return {
        row[0]: ConfigRun(*row[:3], RunState(row[3]), *row[4:])
        for row in session.execute(statement)
    }


def in_other_studies(session: Session, study_id: str) -> set[str]:
    """The runs of a study that are in others as well."""
    own = select(StudyRunRow.run_id).where(StudyRunRow.study_id == study_id)
    statement = select(StudyRunRow.run_id).where(
        StudyRunRow.study_id != study_id, StudyRunRow.run_id.in_(own)
    )
    return set(session.scalars(statement))


def studies_of(session: Session, run_id: str) -> Sequence[Study]:
    """The studies that a run is in, oldest first."""
    statement = (
        select(Study)
        .join(StudyRunRow, StudyRunRow.study_id == Study.id)
        .where(StudyRunRow.run_id == run_id)
        .order_by(Study.created_at, Study.id)
    )
    return session.scalars(statement).all()
