"""The planner: which runs a free worker takes, to train them in one process.

Runs that differ only in what is data to the compiled program (heads, strengths, windows, seeds,
learning rates) can be trained together. How many: as the memory allows, and no more than leaves
the other workers their share of what waits.
"""

from collections.abc import Sequence
from itertools import accumulate
from math import ceil, inf

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.db import locks, waiting, workers
from app.db.claims import Claim
from app.db.models import Run
from app.schemas.config import RunConfig
from app.services.costs.memory import PROCESS_BYTES, own_bytes, working_bytes
from app.services.runs import attempts

MEMORY_SHARE = 0.7  # of what is free: others need some, too
ROUNDING = 1e-9  # of a share that is whole, runs


def plan(
    session: Session, *, worker: str, lease_seconds: float, most: int, memory: int
) -> list[Claim]:
    """Claims what is trained next, `most` runs at most; nothing if no run waits.

    Workers plan one after the other, so that none sees what another is about to take.
    """
    # The first statement of the transaction, so that it holds no row while it waits: another
    # planner may want that row. Until the commit no other plans; users are kept out by row locks
    # only.
    locks.lock(session, "optoscope.planner")
    # Locked from here on: it cannot be cancelled or deleted while its companions are sought.
    first = waiting.next_in_line(session)
    if first is None:
        return []
    size = _size(session, first, worker, min(most, _fitting(first, memory)))
    # Fewer than were counted may come, when some are held by users; more never do.
    others = waiting.companions_of(session, first, limit=size - 1) if size > 1 else []
    chosen = _within([first, *others], memory) if others else [first]
    # All of these rows are locked by now, so that the claim gets every one of them.
    return attempts.claim(
        session, [run.id for run in chosen], worker=worker, lease_seconds=lease_seconds
    )


def _size(session: Session, first: Run, worker: str, most: int) -> int:
    """How many runs are trained together."""
    # Alone, so that a run that kills its trainer takes no others along. The first new measurement
    # sets the count back; what made a whole cohort fail may come later, so that is kept for good.
    if most == 1 or first.fruitless_attempts or first.alone:
        return 1
    compatible = 1 + waiting.count_companions(session, first)
    apart = waiting.count(session) - compatible
    # By heartbeats: a worker that has started but not yet beaten counts for nothing here, which is
    # why a new one settles before it plans.
    others = workers.loads_of_others(session, beside=worker)
    return min(most, share(compatible, others, apart=apart))


def share(runs: int, others: Sequence[float], *, apart: int = 0) -> int:
    """How many of the runs are for a worker that has none, if all workers are to end together.

    `others`: what they have left to do, in runs. `apart`: how many runs wait that cannot be trained
    with these. The others have those first: runs of one program are cheapest in one process, which
    compiles it once, and are torn apart only where a worker would else have nothing to do.
    """
    level = _level(apart, others) if others else 0.0
    shared = _level(runs, [0.0, *(max(load, level) for load in others)])
    return ceil(shared - ROUNDING)


def _level(runs: int, loads: Sequence[float]) -> float:
    """What those with least have when so many runs more are poured out over all."""
    filled = sorted(loads)
    for count, rest in enumerate([*filled[1:], inf], start=1):
        level = (runs + sum(filled[:count])) / count
        if level <= rest:
            break
    return level


def runs_that_fit(config: RunConfig, memory: int) -> int:
    """How many such runs can be trained in so many bytes; at least the one."""
    room = MEMORY_SHARE * memory - PROCESS_BYTES - working_bytes(config)
    return max(1, int(room / own_bytes(config)))


def _needs(run: Run) -> tuple[int, int]:
    """Bytes of a pass, and of the run itself; none of one that cannot be read, for it will not be
    trained: its trainer says why."""
    try:
        config = RunConfig.model_validate(run.config)
    except ValidationError:
        return 0, 0
    return working_bytes(config), own_bytes(config)


def _within(runs: Sequence[Run], memory: int) -> list[Run]:
    """As many of them, from the first on, as fit together: they may need more than the first."""
    needs = [_needs(run) for run in runs]
    widest = accumulate((working for working, _ in needs), max)
    owned = accumulate(own for _, own in needs)
    room = MEMORY_SHARE * memory - PROCESS_BYTES
    fitting = sum(working + own <= room for working, own in zip(widest, owned, strict=True))
    return list(runs[: max(1, fitting)])


def _fitting(run: Run, memory: int) -> int:
    """How many runs like it fit; one that cannot be read is alone when its trainer says so."""
    try:
        return runs_that_fit(RunConfig.model_validate(run.config), memory)
    except ValidationError:
        return 1
