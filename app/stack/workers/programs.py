"""Worker processes: which GPU each is told to train on, and how one is started."""

import os
import sys
from collections.abc import Sequence

from app.stack.child import Program

WORKER = "worker.serve"  # the module that is one
GRACE_SECONDS = 20.0  # to save, and to give its runs back
MOST_WORKERS = 8  # by default: each takes memory, idle too


def devices(workers: int, gpus: Sequence[str]) -> list[dict[str, str]]:
    """What tells each worker its GPU; nothing where there is none, or the user has chosen one."""
    wanted = os.environ.get("OPTOSCOPE_DEVICE", "auto")
    if not gpus or wanted not in ("auto", "cuda"):
        return [{} for _ in range(workers)]
    # `auto:1` is that GPU if torch can use it, else the processor; `cuda:1` that one or none.
    chosen = [gpu.replace("cuda", wanted) for gpu in gpus]
    return [{"OPTOSCOPE_DEVICE": chosen[number % len(chosen)]} for number in range(workers)]


def worker_program(
    number: int, place: str, environment: dict[str, str], *, has_log: bool = True
) -> Program:
    """One Celery worker. `place`: differs among those who start workers on this machine."""
    command = (sys.executable, "-m", WORKER, "--loglevel", "info")
    return Program(
        name="Worker" if number == 1 else f"Worker {number}",
        command=(*command, "-n", f"worker{number}-{place}@%h"),
        ready=lambda: True,  # it takes seconds to load torch, and runs can be queued meanwhile
        environment=environment,
        grace_seconds=GRACE_SECONDS,
        has_log=has_log,
    )


def cores() -> int:
    """How many workers a machine without GPU gets; a trainer has one thread (docs/adr/0007)."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    found = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return min(found, MOST_WORKERS)
