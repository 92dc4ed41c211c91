"""`optoscope worker`: workers alone, for servers elsewhere; one for every GPU of this machine."""

import os
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.db import workers
from app.db.engine import make_engine, session_scope
from app.stack.child import Child
from app.stack.environment import checked_settings
from app.stack.gpus import gpus
from app.stack.places import DataDir, open_data_dir
from app.stack.servers.external import check_database, check_redis
from app.stack.signals import StopSignals
from app.stack.supervisor import Say, stop_all, watch
from app.stack.trouble import StackError
from app.stack.workers.ends import STOP_SECONDS, Ends
from app.stack.workers.programs import devices, worker_program

LOOK_SECONDS = 1.0  # between two questions whether the workers have work


@dataclass(frozen=True)
class WorkerOptions:
    """What the command line says."""

    data_dir: Path
    processes: int
    idle_seconds: float | None
    deadline: datetime | None


def work(options: WorkerOptions, say: Say) -> None:
    """Starts the workers, watches them, and stops them when asked to or when it is time."""
    signals = StopSignals()
    signals.install()  # before anything is started, as in `up`
    stop_at = _stop_at(options.deadline)
    settings = checked_settings(data_dir=options.data_dir)
    check_database(settings.database_url)
    check_redis(settings.redis_url)
    data = open_data_dir(options.data_dir, least_free_mb=settings.least_free_mb)
    children = _children(data, options.processes)
    engine = make_engine(settings.database_url, pool_size=1, patience_seconds=0)
    with ExitStack() as stack:
        stack.callback(engine.dispose)
        stack.callback(stop_all, children, hurry=signals.hurry)
        for child in children:
            child.start()
        say(_welcome(settings, children))
        busy = Watcher(engine, children)
        ends = Ends(busy.is_busy, options.idle_seconds, stop_at)
        watch(children, stopping=_stopping(signals, ends, say), say=say)
    say("Stopped; runs that were in training wait for another worker.")


@dataclass
class Watcher:
    """Asks the database, once a second at most, whether any of the workers has work."""

    engine: Engine
    children: Sequence[Child]
    _asked_at: float = float("-inf")
    _is_busy: bool | None = None

    def is_busy(self) -> bool | None:
        """None: it does not answer, or has not heard of all of them yet."""
        if time.monotonic() - self._asked_at >= LOOK_SECONDS:
            self._asked_at = time.monotonic()
            self._is_busy = self._ask()
        return self._is_busy

    def _ask(self) -> bool | None:
        # As `worker.service.heartbeat.worker_name` has it, of Celery's main process.
        names = [f"{socket.gethostname()}-{child.pid}" for child in self.children]
        try:
            with session_scope(self.engine) as session:
                return workers.have_work(session, names)
        except SQLAlchemyError:
            return None


def _children(data: DataDir, processes: int) -> list[Child]:
    environment = {
        "OPTOSCOPE_DATA_DIR": str(data.root),
        "TORCHINDUCTOR_CACHE_DIR": os.environ.get("TORCHINDUCTOR_CACHE_DIR", str(data.compiled)),
        "PYTHONUNBUFFERED": "1",
    }
    found = devices(processes, gpus())
    return [
        Child(worker_program(n + 1, str(os.getpid()), environment | on, has_log=False), data)
        for n, on in enumerate(found)
    ]


def _stop_at(deadline: datetime | None) -> float | None:
    """By the monotonic clock. Raises `StackError` when it is too late to start."""
    if deadline is None:
        return None
    left = (deadline - datetime.now(deadline.tzinfo)).total_seconds()
    if left <= STOP_SECONDS:
        raise StackError(
            f"The deadline is in {left:.0f} s, and workers need {STOP_SECONDS:.0f} s to stop: "
            "give a later one."
        )
    return time.monotonic() + left - STOP_SECONDS


def _stopping(signals: StopSignals, ends: Ends, say: Say) -> Callable[[], bool]:
    def stopping() -> bool:
        if signals.stopping():
            return True
        reason = ends.reason(time.monotonic())
        if reason:
            say(reason)
        return bool(reason)

    return stopping


def _welcome(settings: Settings, children: Sequence[Child]) -> str:
    on = [child.program.environment.get("OPTOSCOPE_DEVICE", settings.device) for child in children]
    return f"{len(children)} worker processes, on {', '.join(sorted(set(on)))}."
