"""A real Celery worker for tests, and what they ask of it and of its trainers."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Engine, text

from app.config import Settings
from app.schemas.config import RunConfig
from tests.integration.support.recorded import has_resume_point, state

T = TypeVar("T")

TRIES = 5  # to catch a run while it trains

TINY = {
    "model": {"width": 16, "heads": 2},
    "task": {"dataset": "gaussian", "classes": 20, "new_classes": 20},
    "training": {"sequences": 16_000, "learning_rate": 1e-3},
    "recording": {
        "evaluate_every": 250,
        "frame_every": 1000,
        "checkpoint_every": 5000,
        "evaluation_sequences": 32,
    },
}


def tiny(**parts: dict[str, object]) -> RunConfig:
    """A config that trains in seconds, uncompiled; `training={"sequences": 9}` changes a part."""
    names = {*TINY, *parts}
    return RunConfig.model_validate(
        {name: TINY.get(name, {}) | parts.get(name, {}) for name in names}
    )


@dataclass
class WorkerProcess:
    """A worker as `optoscope up` starts it, by the test that needs it."""

    settings: Settings
    lease_seconds: float = 10.0
    compile: bool = False  # as users' workers do; a program takes half a minute
    module: str = "worker.serve"
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def log(self) -> Path:
        return self.settings.data_dir / "worker.log"

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        environment = {
            "OPTOSCOPE_DATABASE_URL": self.settings.database_url,
            "OPTOSCOPE_REDIS_URL": self.settings.redis_url,
            "OPTOSCOPE_DATA_DIR": str(self.settings.data_dir),
            "OPTOSCOPE_STORE_URL": self.settings.store_url,
            "OPTOSCOPE_LEAST_FREE_MB": str(self.settings.least_free_mb),
            "OPTOSCOPE_LEASE_SECONDS": str(self.lease_seconds),
            "OPTOSCOPE_RESUME_SECONDS": "0.5",
            "OPTOSCOPE_COMPILE": str(self.compile).lower(),
            "OPTOSCOPE_THREADS": "1",
            # Else that of who runs the tests, where torch's compiler was used before in there.
            "TORCHINDUCTOR_CACHE_DIR": str(self.settings.data_dir / "cache" / "inductor"),
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self.module],
                env={**os.environ, **environment},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def kill(self) -> None:
        """`kill -9`."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self, seconds: float = 20) -> None:
        """SIGTERM, and waits until it is gone."""
        if self._process is not None and self.is_running:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            finally:
                self._process.kill()

    def trainer(self, run_id: str, attempt: int) -> int:
        """The process number of the trainer of an attempt, once it has started."""
        said = re.compile(rf"INFO (\d+) worker\.trainer: run {run_id}: attempt {attempt}\n")

        def look() -> int | None:
            logs = (log.read_text() for log in self._trainer_logs())
            return next((int(found[1]) for log in logs if (found := said.search(log))), None)

        return self.until(look, f"a trainer of attempt {attempt}")

    def is_ready(self, run_id: str, attempt: int) -> bool:
        """Whether the trainer of an attempt has loaded what it trains with."""
        _, _, since = self.trainer_log(run_id).partition(f"run {run_id}: attempt {attempt}\n")
        return "ready" in since

    def trainer_log(self, run_id: str) -> str:
        log = self.settings.data_dir / "logs" / "runs" / f"{run_id}.log"
        return log.read_text() if log.exists() else ""

    def _trainer_logs(self) -> list[Path]:
        """Those of cohorts are named for one of their runs."""
        return list(self.settings.data_dir.glob("logs/runs/*.log"))

    def until(self, look: Callable[[], T | None], what: str, seconds: float = 90) -> T:
        """What `look` sees, as soon as it sees something."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if seen := look():
                return seen
            time.sleep(0.02)
        logs = [self.log, *self._trainer_logs()]
        told = "\n".join(f"--- {log}\n{log.read_text()[-5000:]}" for log in logs if log.exists())
        raise AssertionError(f"no {what} within {seconds} s\n{told}")


def half_way(
    worker: WorkerProcess, engine: Engine, launch: Callable[[], str], *, after: int = 0
) -> str:
    """A run that `launch` has launched, with a resume point past a place and a measurement past
    that, which still trains."""
    for _ in range(TRIES):
        run_id = launch()
        # Resume points are saved by the clock: on a machine whose other work holds this process up,
        # a run of seconds is through before anybody looks. Another one is as good.
        has_one = has_resume_point(engine, run_id, after=after)
        worker.until(
            lambda has_one=has_one, run_id=run_id: has_one() or state(engine, run_id) == "finished",
            "resume point with a measurement past it",
        )
        if state(engine, run_id) != "finished":
            return run_id
    raise AssertionError(f"{TRIES} runs were through before one was caught")


def is_alive(process: int) -> bool:
    """Whether it still runs; a zombie that nobody has waited for does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def freeze(process: int, engine: Engine) -> None:
    """Has the kernel stop it, between two transactions: in one it holds its runs until Postgres
    ends that, as `test_locks` has it."""
    while True:
        os.kill(process, signal.SIGSTOP)
        with engine.connect() as connection:
            if not connection.execute(_IN_TRANSACTION).scalar_one():
                return
        os.kill(process, signal.SIGCONT)
        time.sleep(0.005)


_IN_TRANSACTION = text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
    " AND pid != pg_backend_pid() AND state != 'idle'"
)


def kill_now(process: int) -> None:
    os.kill(process, signal.SIGKILL)


def parent_of(process: int) -> int:
    """The process number of its parent."""
    status = Path(f"/proc/{process}/stat").read_text()
    return int(status.rpartition(")")[2].split()[1])
