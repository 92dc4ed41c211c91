"""What handlers are given: the process's services, a transaction, the run or study of the path."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Path, Request
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.config import Settings
from app.db import access
from app.db.models import Analysis, Board, Run, Study
from app.services.access.gate import Gate
from app.services.analyses.lifecycle import analysis_or_error
from app.services.archives.importing import Importer
from app.services.beats import Beats
from app.services.boards.lifecycle import board_or_error
from app.services.live.hub import Hub
from app.services.metrics import Metrics
from app.services.runs.deletion import Disposal
from app.services.runs.lifecycle import run_or_error
from app.services.runs.outbox import Outbox, Transactions, transaction
from app.services.studies.lifecycle import study_or_error


@dataclass(frozen=True)
class Services:
    """Made once by `create_app`; closed when the server stops."""

    settings: Settings
    engine: Engine
    outbox: Outbox
    hub: Hub
    gate: Gate
    beats: Beats
    metrics: Metrics

    @property
    def disposal(self) -> Disposal:
        """How deleted runs go."""
        grace = timedelta(days=self.settings.deleted_days)
        return Disposal(self.settings.checkpoint_url, grace)

    def importer(self, begin: Transactions) -> Importer:
        """What reads archives."""
        said = self.settings
        return Importer(
            self.engine, begin, said.checkpoint_url, said.data_dir, said.most_archive_bytes
        )


def services(request: Request) -> Services:
    made = request.app.state.services
    assert isinstance(made, Services)
    return made


ServicesDep = Annotated[Services, Depends(services)]


def _transactions(request: Request, made: ServicesDep) -> Transactions:
    @contextmanager
    def begin() -> Iterator[Session]:
        with transaction(made.engine, made.outbox) as session:
            session.info[access.CALLER] = request.scope["state"]["caller"]
            yield session

    return begin


# For what takes several of them: each commits at its end.
TransactionsDep = Annotated[Transactions, Depends(_transactions)]


def _session(begin: TransactionsDep) -> Iterator[Session]:
    # An error of the handler passes through here and rolls back; nothing is sent to workers or
    # pages then.
    with begin() as session:
        yield session


# Of function scope: committed before the answer is sent, so that an answer is never a lie.
SessionDep = Annotated[Session, Depends(_session, scope="function")]

RunId = Annotated[str, Path(description="The id of a run", examples=["8kq2m4x7vd"])]


def _run(session: SessionDep, run_id: RunId) -> Run:
    # Read without a lock, so that pages cost trainers nothing: whoever decides by its state reads
    # it again under one.
    return run_or_error(session, run_id)


RunDep = Annotated[Run, Depends(_run, scope="function")]

StudyId = Annotated[str, Path(description="The id of a study", examples=["4n8wq0z3ke"])]


def _study(session: SessionDep, study_id: StudyId) -> Study:
    return study_or_error(session, study_id)


StudyDep = Annotated[Study, Depends(_study, scope="function")]

AnalysisId = Annotated[str, Path(description="The id of an analysis", examples=["7d0x3kq9me"])]


def _analysis(session: SessionDep, analysis_id: AnalysisId) -> Analysis:
    return analysis_or_error(session, analysis_id)


AnalysisDep = Annotated[Analysis, Depends(_analysis, scope="function")]

BoardId = Annotated[str, Path(description="The id of a board", examples=["5r1v9t6yha"])]


def _board(session: SessionDep, board_id: BoardId) -> Board:
    return board_or_error(session, board_id)


BoardDep = Annotated[Board, Depends(_board, scope="function")]
