"""A worker's turn at an analysis, from the claim until it ends, is given back or is lost."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.db import analyses, claims
from app.db.models import Analysis
from app.errors import Invalid
from app.schemas.state import ErrorKind, RunState
from app.services.analyses.lifecycle import move, settle_plan
from app.services.runs.outbox import send_train
from app.services.runs.reaper import Kept

MAX_FRUITLESS = 3  # attempts in a row that found nothing new


@dataclass(frozen=True, slots=True)
class Turn:
    """A worker's right to an analysis, until somebody else has a later one."""

    analysis_id: str
    attempt: int


def claim(session: Session, *, worker: str, lease_seconds: float) -> Turn | None:
    """Takes the analysis that has waited longest, if one waits."""
    analysis = _next(session)
    if analysis is None:
        return None
    analysis.attempt += 1
    analysis.fruitless_attempts += 1  # until it finds something new
    analysis.worker, analysis.lease_until = worker, claims.lease_end(lease_seconds)
    move(session, analysis, RunState.STARTING)
    return Turn(analysis.id, analysis.attempt)


def _next(session: Session) -> Analysis | None:
    """The next one that can be done; those on the way that cannot are ended."""
    while (analysis := analyses.next_waiting(session)) is not None:
        try:
            settle_plan(session, analysis)
            return analysis
        except Invalid as error:
            said = f"Its run was awaited, and cannot answer: {error}"
            move(
                session, analysis, RunState.FAILED, error_kind=ErrorKind.CONFIG, error_message=said
            )
            session.flush()
    return None


def begin(session: Session, turn: Turn) -> bool:
    """Says that it is being done; False if somebody else has it, or it is to stop."""
    analysis = _goes_on(session, turn)
    if analysis is not None:
        move(session, analysis, RunState.RUNNING)
    return analysis is not None


def keep(session: Session, turn: Turn, place: int, found: dict[str, Any]) -> bool:
    """Writes a part down; False if somebody else has the analysis, or it is to stop."""
    analysis = _goes_on(session, turn)
    if analysis is None:
        return False
    analyses.add_part(session, turn.analysis_id, place, found)
    analysis.done = len(analyses.places_done(session, turn.analysis_id))
    analysis.fruitless_attempts = 0
    return True


def finish(session: Session, turn: Turn) -> None:
    """Ends an attempt that has done all parts."""
    analysis = _goes_on(session, turn)
    if analysis is not None:
        move(session, analysis, RunState.FINISHED)


def fail(session: Session, turn: Turn, kind: ErrorKind, reason: str) -> None:
    """Ends an attempt that met what a repetition would meet again."""
    analysis = _goes_on(session, turn)
    if analysis is not None:
        move(session, analysis, RunState.FAILED, error_kind=kind, error_message=reason)


def give_back(session: Session, turn: Turn) -> None:
    """Ends an attempt whose worker stops; the analysis waits for the next one."""
    analysis = _goes_on(session, turn)
    if analysis is not None:
        analysis.fruitless_attempts = max(0, analysis.fruitless_attempts - 1)
        move(session, analysis, RunState.QUEUED)
        send_train(session, analysis.id)


def settle(session: Session, turn: Turn, reason: str) -> None:
    """Ends an attempt whose process ended without a word about it."""
    analysis = _goes_on(session, turn)
    if analysis is not None:
        lose(session, analysis, reason)


def lose(session: Session, analysis: Analysis, reason: str) -> None:
    """Ends an attempt that died; it is done again from the next part on, unless that is hopeless.
    The caller holds the row."""
    if analysis.state == RunState.STOPPING:
        move(session, analysis, RunState.CANCELLED)
    elif analysis.fruitless_attempts >= MAX_FRUITLESS:
        said = f"{reason} {MAX_FRUITLESS} attempts in a row found nothing new, so it is not tried "
        kind = ErrorKind.WORKER_LOST
        move(session, analysis, RunState.FAILED, error_kind=kind, error_message=f"{said}again.")
    else:
        move(session, analysis, RunState.LOST)
        send_train(session, analysis.id)


def lose_silent(session: Session) -> None:
    """Ends the attempts whose leases have expired."""
    for analysis in analyses.silent(session):
        who = analysis.worker or "its worker"
        lose(session, analysis, f"Nothing was heard from {who} in time.")


def overdue(session: Session, seconds: float, limit: int) -> Sequence[str]:
    """Analyses that have waited for a worker for so long."""
    return analyses.waiting(session, seconds=seconds, limit=limit)


KEPT = Kept(lose_silent, overdue)  # for the reaper


def _goes_on(session: Session, turn: Turn) -> Analysis | None:
    """The analysis, held, if the turn still owns it; one that was to stop is stopped now."""
    analysis = analyses.held(session, turn.analysis_id, turn.attempt)
    if analysis is not None and analysis.state == RunState.STOPPING:
        move(session, analysis, RunState.CANCELLED)
        return None
    return analysis
