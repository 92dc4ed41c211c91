"""Between which measurements runs passed the places of their phase change."""

from collections.abc import Collection, Sequence

from sqlalchemy.orm import Session

from app.db import series as rows
from app.schemas.measure import Bracket, PhaseBrackets


def midpoint_brackets(session: Session, run_ids: Collection[str]) -> dict[str, Bracket]:
    """Of every run that has a midpoint."""
    found = _read(session, run_ids, ["midpoint"])
    return {run_id: known["midpoint"] for run_id, known in found.items() if known}


def phase_brackets(session: Session, run_id: str) -> PhaseBrackets:
    """Of all places of one run."""
    known = _read(session, [run_id], list(PhaseBrackets.model_fields))
    return PhaseBrackets(**known.get(run_id, {}))


def _read(
    session: Session, run_ids: Collection[str], names: Sequence[str]
) -> dict[str, dict[str, Bracket]]:
    return {
        run_id: {name: Bracket(after=after, until=until) for name, (after, until) in known.items()}
        for run_id, known in rows.brackets(session, run_ids, names).items()
    }
