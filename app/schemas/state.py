"""The states of a run and the moves between them that are allowed."""

from enum import StrEnum


class RunState(StrEnum):
    QUEUED = "queued"  # waits for a worker
    STARTING = "starting"  # claimed; the trainer process loads data and compiles
    RUNNING = "running"  # updates are being made
    STOPPING = "stopping"  # a cancel was asked for and the trainer has not stopped yet
    FINISHED = "finished"  # every sequence of the config was seen
    FAILED = "failed"  # the trainer reported an error that a retry would repeat
    CANCELLED = "cancelled"  # stopped because somebody asked
    LOST = "lost"  # the trainer's lease ran out; resumed from the last resume point


class Optimiser(StrEnum):
    """What a fork does with its parent's optimiser."""

    KEEP = "keep"  # goes on with Adam's moments
    RESET = "reset"  # begins with moments of 0


TERMINAL = frozenset({RunState.FINISHED, RunState.FAILED, RunState.CANCELLED})
ACTIVE = frozenset({RunState.STARTING, RunState.RUNNING, RunState.STOPPING})
CLAIMABLE = frozenset({RunState.QUEUED, RunState.LOST})

ALLOWED: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: frozenset({RunState.STARTING, RunState.CANCELLED, RunState.FAILED}),
    RunState.STARTING: frozenset(
        {RunState.RUNNING, RunState.STOPPING, RunState.FAILED, RunState.LOST, RunState.QUEUED}
    ),
    RunState.RUNNING: frozenset(
        {
            RunState.FINISHED,
            RunState.STOPPING,
            RunState.FAILED,
            RunState.LOST,
            RunState.QUEUED,  # the worker is shutting down: the run waits for another
        }
    ),
    RunState.STOPPING: frozenset({RunState.CANCELLED, RunState.FINISHED, RunState.FAILED}),
    RunState.LOST: frozenset({RunState.STARTING, RunState.CANCELLED, RunState.FAILED}),
    RunState.FINISHED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
}


def may_move(current: RunState, target: RunState) -> bool:
    """Whether a run in `current` may be moved to `target`."""
    return target in ALLOWED[current]
