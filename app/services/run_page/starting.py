"""How long a run's start takes, and what of its time was starting and what training."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

from sqlalchemy.orm import Session

from app.db import runs
from app.db.models import RunEvent
from app.schemas.api.runs import RunRead
from app.schemas.state import RunState
from app.services.wording import duration

LATEST = 10  # starts that tell how long one usually takes
TAKEN = "starts a process"  # before that process says anything
_STATES = frozenset(RunState)


@dataclass(frozen=True)
class Starting:
    """A start that is under way."""

    stage: str
    seconds: float  # since it was taken
    usual: str  # empty while nothing was ever started here


def starting_of(session: Session, run: RunRead, events: Sequence[RunEvent]) -> Starting | None:
    """The start of a run, oldest event first; None unless it is starting."""
    taken = [one.at for one in events if one.kind == RunState.STARTING]
    if run.state is not RunState.STARTING or not taken:
        return None
    seconds = max(0.0, (runs.now(session) - taken[-1]).total_seconds())
    return Starting(run.stage or TAKEN, seconds, _usual(runs.latest_starts(session, limit=LATEST)))


def _usual(starts: Sequence[float]) -> str:
    """`usually 18.0 s; the last 10 took 3.2 s to 4 min 16 s`."""
    if not starts:
        return ""
    if len(starts) == 1:
        return f"the last start took {duration(starts[0])}"
    ends = f"{duration(min(starts))} to {duration(max(starts))}"
    return f"usually {duration(median(starts))}; the last {len(starts)} took {ends}"


def spent(run: RunRead, events: Sequence[RunEvent]) -> str:
    """`took 5 min 30 s: 4 min 16 s starting and compiling, 1 min 14 s training`."""
    if not run.is_terminal or run.run_seconds is None:
        return ""
    whole = f"took {duration(run.run_seconds)}"
    starting = sum(_lasted(events, RunState.STARTING))
    training = sum(_lasted(events, RunState.RUNNING))
    if not training:
        return whole
    return f"{whole}: {duration(starting)} starting and compiling, {duration(training)} training"


def _lasted(events: Sequence[RunEvent], state: RunState) -> Iterator[float]:
    """How long each time was in a state, of the moves that the events tell, oldest first."""
    moves = [one for one in events if one.kind in _STATES]
    for one, following in pairwise(moves):
        if one.kind == state:
            yield _seconds(one.at, following.at)


def _seconds(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds())
