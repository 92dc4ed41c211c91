"""The heartbeat: a thread that says what this worker is, and that it is still there."""

import logging
import os
import socket
import threading
from time import monotonic

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.config import Settings
from app.db import workers
from app.db.engine import session_scope
from app.db.workers import Description
from worker.room import fullest_disk, lack_of_room
from worker.service import machine
from worker.service.trouble import Trouble

log = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
SETTLE_SECONDS = 2.0  # after which workers that were started together have heard of each other


def worker_name() -> str:
    """Which worker this is, in the pool process: its machine and Celery's main process."""
    return f"{socket.gethostname()}-{os.getppid()}"


class Heartbeat:
    """Beats until it is stopped; while Postgres is away, nobody hears it."""

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        trouble: Trouble,
        *,
        every_seconds: float = EVERY_SECONDS,
    ) -> None:
        self._settings, self._engine, self._every_seconds = settings, engine, every_seconds
        self._trouble = trouble
        self._started_at = monotonic()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def settle(self) -> None:
        """Waits, if this worker has just started, until others that have are known."""
        # On the event of the stop, so that a worker that is ended while it settles does not wait.
        self._stop.wait(max(0.0, self._started_at + SETTLE_SECONDS - monotonic()))

    def stop(self) -> None:
        """Says goodbye: a worker that was asked to stop is not shown as silent."""
        self._stop.set()
        # First the thread, then the row: a beat that was under way would put the row back.
        self._thread.join()
        try:
            with session_scope(self._engine) as session:
                workers.remove(session, worker_name())
        except SQLAlchemyError as error:
            log.warning("this worker will be shown as silent: %s", error)
        self._engine.dispose()

    def _run(self) -> None:
        while True:
            try:
                # Beats, leases and claims know nothing of each other: a worker whose beats are not
                # heard keeps its runs as long as their trainer renews the leases.
                with session_scope(self._engine) as session:
                    workers.report(session, _description(self._settings, self._trouble.said))
            except SQLAlchemyError as error:
                log.warning("nobody hears that this worker is there: %s", error)
            except Exception:  # such as a device that cannot be asked: the next beat may be sound
                log.exception("nobody hears that this worker is there")
            if self._stop.wait(self._every_seconds):
                return


def _description(settings: Settings, trouble: str) -> Description:
    disk = fullest_disk(settings)
    return Description(
        name=worker_name(),
        host=socket.gethostname(),
        pid=os.getppid(),
        device=machine.device(),
        cores=machine.cores(),
        memory=machine.memory(),
        memory_free=machine.memory_free(),
        torch=machine.torch_version(),
        disk=disk.size,
        disk_free=disk.free,
        # Looked at here, too, and not only where runs are taken: one that has nothing to do says
        # it before somebody launches.
        trouble=lack_of_room(settings, to_begin=True) or trouble,
    )
