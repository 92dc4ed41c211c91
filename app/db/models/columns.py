"""What several tables have in common."""

from sqlalchemy import Computed, ForeignKey, Text
from sqlalchemy.dialects.postgresql import DOUBLE_PRECISION, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

Moment = TIMESTAMP(timezone=True, precision=6)

# As Postgres writes them when it is asked, so that models and migrations can be compared.
_HAS_ENDED = "state = ANY (ARRAY['finished'::text, 'failed'::text, 'cancelled'::text])"


def final(value: str) -> Mapped[float | None]:
    """A number of a run that Postgres keeps once the run has ended; null before."""
    none = "NULL::double precision"
    kept = Computed(f"CASE WHEN {_HAS_ENDED} THEN {value} ELSE {none} END", persisted=True)
    return mapped_column(DOUBLE_PRECISION, kept, deferred=True)


def run_key() -> Mapped[str]:
    """The key, or a part of it, of what belongs to a run and goes with it."""
    # Each insert asks whether the run is there, and holds it against deletion (FOR KEY SHARE)
    # until its commit: no row is left behind by a run that is deleted meanwhile.
    return mapped_column(Text, ForeignKey("run.id", ondelete="CASCADE"), primary_key=True)
