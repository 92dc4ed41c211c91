"""The states of a run and the moves between them that are allowed."""

from enum import StrEnum


class RunState(StrEnum):
    QUEUED = "queued"  # waits for a worker
    STARTING = "starting"  # claimed; the trainer process loads data and compiles
    RUNNING = "running"  # updates are being made
    PAUSING = "pausing"  # a pause was asked for and the trainer has not saved yet
    PAUSED = "paused"  # waits until somebody resumes it
    STOPPING = "stopping"  # a cancel was asked for and the trainer has not stopped yet
    FINISHED = "finished"  # every sequence of the config was seen
    FAILED = "failed"  # the trainer reported an error that a retry would repeat
    CANCELLED = "cancelled"  # stopped because somebody asked
    LOST = "lost"  # the trainer's lease ran out; resumed from the last resume point


class ErrorKind(StrEnum):
    """Why a run has failed, for programs; the sentence beside it is for people."""

    CONFIG = "config"  # it cannot be trained as it is written
    DATA_FILE = "bad_data_file"  # its data set cannot be read, or is another than it was
    DIVERGED = "diverged"  # the loss is no number any more
    OUT_OF_MEMORY = "out_of_memory"
    CHECKPOINT = "checkpoint"  # weights that it needs are missing or damaged
    STORE_AWAY = "store_away"  # the checkpoint store did not answer, again and again
    DISK_FULL = "disk_full"  # again and again
    WORKER_LOST = "worker_lost"  # its trainers died, again and again
    INTERNAL = "internal"  # a bug


class Optimiser(StrEnum):
    """What a fork does with its parent's optimiser."""

    KEEP = "keep"  # goes on with Adam's moments
    RESET = "reset"  # begins with moments of 0


TERMINAL = frozenset({RunState.FINISHED, RunState.FAILED, RunState.CANCELLED})
ACTIVE = frozenset({RunState.STARTING, RunState.RUNNING, RunState.PAUSING, RunState.STOPPING})
CLAIMABLE = frozenset({RunState.QUEUED, RunState.LOST})
WAITING = CLAIMABLE | {RunState.PAUSED}  # no trainer has it

_ENDS_EARLY = frozenset({RunState.STOPPING, RunState.FAILED, RunState.LOST, RunState.QUEUED})
_MAY_START = frozenset({RunState.STARTING, RunState.PAUSED, RunState.CANCELLED, RunState.FAILED})

# QUEUED again: the worker is shutting down, and the run waits for another.
ALLOWED: dict[RunState, frozenset[RunState]] = {
    RunState.QUEUED: _MAY_START,
    # Not to FINISHED: a recorder that has begun and ended within one flush says both.
    RunState.STARTING: _ENDS_EARLY | {RunState.RUNNING, RunState.PAUSING},
    RunState.RUNNING: _ENDS_EARLY | {RunState.FINISHED, RunState.PAUSING},
    RunState.PAUSING: frozenset(
        {
            RunState.PAUSED,
            RunState.RUNNING,  # resumed before it had paused
            RunState.STOPPING,
            # The last sequence may have been seen before the trainer heard of the pause, or of the
            # cancel below: what was measured counts.
            RunState.FINISHED,
            RunState.FAILED,
        }
    ),
    # Never straight to STARTING: a worker that is planning must not take a run that was set aside.
    RunState.PAUSED: frozenset({RunState.QUEUED, RunState.CANCELLED}),
    RunState.STOPPING: frozenset({RunState.CANCELLED, RunState.FINISHED, RunState.FAILED}),
    RunState.LOST: _MAY_START,
    RunState.FINISHED: frozenset(),
    RunState.FAILED: frozenset(),
    RunState.CANCELLED: frozenset(),
}


def may_move(current: RunState, target: RunState) -> bool:
    """Whether a run in `current` may be moved to `target`."""
    return target in ALLOWED[current]
