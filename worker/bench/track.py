"""Where trainings are timed: servers and workers of their own, as `optoscope up` starts them.

Runs go the whole way: queued, planned, trained by worker processes, one a core, recorded in
Postgres. Time counts from when the first of the runs begins to train (its report at 0 sequences is
made once more then), so that starting and compiling are told apart.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.config import Settings
from app.db import recording, runs
from app.db.engine import make_engine, session_scope
from app.db.models import Run
from app.db.whole.migrate import upgrade
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.services.runs.creation import create_run
from app.services.runs.outbox import Outbox, transaction
from app.stack.gpus import gpus
from app.stack.servers.start import start_servers
from worker.bench.usage import Usage
from worker.service.machine import cores

POLL_SECONDS = 0.5  # looking costs the runs time, too


@dataclass(frozen=True)
class Pace:
    """What some training took. `cpu_seconds`: of its processes, 0 where nothing tells."""

    sequences: int
    seconds: float
    cpu_seconds: float

    @property
    def speed(self) -> float:
        """Sequences per second, of all runs together."""
        return self.sequences / self.seconds

    @property
    def cpu_speed(self) -> float:
        """Sequences per CPU second, 0 where nothing tells."""
        return self.sequences / self.cpu_seconds if self.cpu_seconds else 0.0


@dataclass(frozen=True)
class Lap(Pace):
    """Some runs, from when the first begins to train to the end of the last."""

    start_seconds: float  # from the launch to when the first begins to train
    peak_bytes: int  # of the largest trainer
    training_seconds: tuple[float, ...]  # of each worker: when one of its runs was trained

    def projected(self, times: float) -> float:
        """Seconds of the same runs, so many times as long: what starts trainers stays as it is."""
        return max(self.seconds + (times - 1) * trained for trained in self.training_seconds)


@dataclass(frozen=True)
class Track:
    """Servers and workers of their own, where runs are timed."""

    engine: Engine
    outbox: Outbox
    workers: tuple[int, ...]  # process ids

    def run(self, configs: Sequence[RunConfig]) -> Lap:
        """Trains all of them to their end and reads from the database how long it took."""
        begun = datetime.now().astimezone()
        with transaction(self.engine, self.outbox) as session:
            ids = [create_run(session, config, name="bench").id for config in configs]
        usage = Usage(self.workers)
        self._wait(ids, usage)
        with session_scope(self.engine) as session:
            runs = [session.get_one(Run, run_id) for run_id in ids]
            for run in runs:
                if run.state != RunState.FINISHED:
                    raise ValueError(f"a run ended {run.state}: {run.error_message}")
            spans = [_span(session, run) for run in runs]
            total = sum(run.total_sequences for run in runs)
        first, last = min(one.begun for one in spans), max(one.ended for one in spans)
        return Lap(
            total,
            (last - first).total_seconds(),
            usage.cpu_seconds(first, last),
            (first - begun).total_seconds(),
            usage.peak_bytes,
            tuple(_covered(spans, worker) for worker in {one.worker for one in spans}),
        )

    def _wait(self, ids: Sequence[str], usage: Usage) -> None:
        """Until all have ended."""
        while True:
            usage.look()
            with session_scope(self.engine) as session:
                if runs.all_ended(session, ids):
                    usage.look()
                    return
            time.sleep(POLL_SECONDS)


class TrainingTime(NamedTuple):
    """When a run was trained, from its first measurement to its end, and by which worker."""

    begun: datetime
    ended: datetime
    worker: str | None


def _span(session: Session, run: Run) -> TrainingTime:
    assert run.finished_at is not None
    return TrainingTime(recording.first_computed_at(session, run.id), run.finished_at, run.worker)


def _covered(spans: Sequence[TrainingTime], worker: str | None) -> float:
    """Seconds in which a worker trained at least one of its runs."""
    total, until = 0.0, datetime.min.replace(tzinfo=UTC)
    for begun, ended, _ in sorted(one for one in spans if one.worker == worker):
        total += max(0.0, (ended - max(begun, until)).total_seconds())
        until = max(until, ended)
    return total


@contextmanager
def track(folder: Path) -> Iterator[Track]:
    """Servers and one worker a core, stopped at the end."""
    with start_servers(folder) as servers:
        upgrade(servers.database_url)
        os.environ |= {  # the workers read their settings from there, too
            "OPTOSCOPE_DATABASE_URL": servers.database_url,
            "OPTOSCOPE_REDIS_URL": servers.redis_url,
            "OPTOSCOPE_DATA_DIR": str(folder),
        }
        settings = Settings()
        engine, outbox = make_engine(settings.database_url), Outbox(settings.redis_url)
        workers = [_worker(place, folder) for place in enumerate(places_to_train())]
        try:
            yield Track(engine, outbox, tuple(worker.pid for worker in workers))
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait()
            outbox.close()
            engine.dispose()


def places_to_train() -> list[str]:
    """A worker each: the GPUs, or where there is none the cores."""
    return gpus() or ["cpu"] * cores()


def _worker(place: tuple[int, str], folder: Path) -> "subprocess.Popen[bytes]":
    number, device = place
    command = (sys.executable, "-m", "worker.serve", "-n", f"bench{number}@%h")
    environment = os.environ | {"OPTOSCOPE_DEVICE": device}
    with (folder / f"worker{number}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=environment)
