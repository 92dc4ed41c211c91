"""Between which measurements runs passed the places of their phase change."""

from collections.abc import Collection

from sqlalchemy.orm import Session

from app.db import series as rows
from app.schemas.measure import Bracket, PhaseBrackets


def midpoint_brackets(session: Session, run_ids: Collection[str]) -> dict[str, Bracket]:
    """Of every run that has a midpoint."""
    return _read(session, run_ids, "midpoint")


def phase_brackets(session: Session, run_id: str) -> PhaseBrackets:
    """Of all places of one run."""
    names = PhaseBrackets.model_fields
    return PhaseBrackets(**{name: _read(session, [run_id], name).get(run_id) for name in names})


def _read(session: Session, run_ids: Collection[str], name: str) -> dict[str, Bracket]:
    found = rows.brackets(session, run_ids, name)
    return {run_id: Bracket(after=after, until=until) for run_id, (after, until) in found.items()}
