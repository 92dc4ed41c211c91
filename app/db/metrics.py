"""Statements of what is measured about the whole program; each is cheap on a large database."""

from math import nan

from sqlalchemy import Double, cast, func, literal, select, text
from sqlalchemy.orm import Session

from app.db.models import Run
from app.schemas.state import ACTIVE, RunState

# Kept by Postgres as rows come, where a count would read them all. A second late while rows come,
# up to ten where a connection has none any more; 0 after a crash of Postgres, as counters may be.
_WRITTEN = text(
    "SELECT n_tup_ins FROM pg_stat_user_tables"
    " WHERE relname = 'measurement' AND schemaname = current_schema()"
)


def measurements_written(session: Session) -> int:
    """Rows of measurements that were ever inserted, copies of forks included."""
    return int(session.execute(_WRITTEN).scalar_one_or_none() or 0)


def least_lease(session: Session) -> float | None:
    """Seconds that are left of the lease that ends first; negative: it has. None: no run is
    trained."""
    left = func.extract("epoch", func.min(Run.lease_until) - func.clock_timestamp())
    seconds = session.scalar(select(cast(left, Double)).where(Run.state.in_(ACTIVE)))
    return None if seconds is None else float(seconds)


def training_rate(session: Session) -> float:
    """Sequences per second of all runs in training together."""
    rate = func.coalesce(func.sum(func.nullif(Run.sequences_per_second, literal(nan, Double))), 0.0)
    running = Run.state == RunState.RUNNING
    return float(session.scalars(select(rate).where(running)).one())
