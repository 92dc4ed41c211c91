"""`python -m tests.bench.simulated`: workers and trainers that do everything but train.

Claims, leases, looks at the rows, heartbeats, flushes and news are the program's own, by its own
code, as often as its own; what is recorded is made up. No torch. Until it is ended.
"""

import argparse
import random
import signal
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

import numpy as np

from app.config import Settings
from app.db import workers
from app.db.claims import Claim
from app.db.engine import make_engine, session_scope
from app.db.recording import StoredFrame
from app.db.workers import Description
from app.schemas.measure import PhaseChange
from app.services.runs.outbox import Outbox, transaction
from app.services.runs.planning import plan
from tests.bench.rows import HEADS, LAYERS, measured
from worker.recording.entries import Beginning, Line, Measured, RecordEntry, Snapshot
from worker.recording.recorder import Recorder
from worker.service.heartbeat import EVERY_SECONDS, SETTLE_SECONDS
from worker.service.supervisor import POLL_SECONDS
from worker.service.trainer_process import TrainerProcess
from worker.service.watch import Watch

FRAME = StoredFrame(bytes(4 * 4 * LAYERS * HEADS * 25), bytes(4 * LAYERS * HEADS * HEADS))
ARRAYS = {"embed": np.zeros(256, np.float32)}  # the store is each machine's own matter: small files
BEGINNING = RecordEntry(beginning=Beginning("Simulated", {}, (), "Simulated.", ()))
MEMORY = 10**15  # room for any cohort


class TimedRecorder(Recorder):
    """Notes when each flush with lines ended, and how long it took."""

    flushes: list[tuple[float, float]]

    def _flush(self, lines: Sequence[Line]) -> None:
        begun = time.monotonic()
        super()._flush(lines)
        if lines:
            self.flushes.append((time.monotonic(), time.monotonic() - begun))


@dataclass
class ReadyTrainer:
    """What the watch asks of a trainer's process."""

    is_ready: bool = True


@dataclass
class SimulatedWorker:
    """A worker with its trainer, in threads."""

    name: str
    settings: Settings
    cohort: int  # runs of a trainer at most
    speed: float  # sequences a second, of each run
    stop: threading.Event
    flushes: list[tuple[float, float]] = field(default_factory=list)

    def start(self) -> None:
        for part in (self._beat, self._work):
            threading.Thread(target=part, daemon=True).start()

    def _beat(self) -> None:
        engine = make_engine(self.settings.database_url, pool_size=1)
        told = Description(self.name, self.name, 1, "Simulated", 1, MEMORY, MEMORY, "2.13.0")
        while not self.stop.wait(EVERY_SECONDS * random.random()):
            with session_scope(engine) as session:
                workers.report(session, told)
            self.stop.wait(EVERY_SECONDS / 2)

    def _work(self) -> None:
        """As `worker.service.supervisor` does."""
        engine, outbox = make_engine(self.settings.database_url, pool_size=1), _outbox(self)
        self.stop.wait(SETTLE_SECONDS)
        while not self.stop.is_set():
            with transaction(engine, outbox) as session:
                lease = self.settings.lease_seconds
                taken = plan(
                    session,
                    worker=self.name,
                    lease_seconds=lease,
                    most=self.cohort,
                    memory=MEMORY,
                )
            if taken:
                threading.Thread(target=self._train, args=(taken,), daemon=True).start()
                trainer = cast(TrainerProcess, ReadyTrainer())
                watch = Watch(self.settings, engine, outbox, taken, self.stop.is_set, trainer)
                while not self.stop.wait(POLL_SECONDS):
                    watch.time_left()
            self.stop.wait(1)

    def _train(self, taken: Sequence[Claim]) -> None:
        """As `worker.training.session` does, with numbers that come at the speed of a GPU."""
        engine = make_engine(self.settings.database_url, pool_size=2)
        recorder = TimedRecorder(engine, _outbox(self), self.settings, taken)
        recorder.flushes = self.flushes
        rng = random.Random(self.name)
        for claim in taken:
            recorder.record(claim.run_id, BEGINNING)
        every, due, place = 5000, time.monotonic(), 0
        saved = dict.fromkeys(taken, time.monotonic())
        while not self.stop.is_set():
            for claim in taken:
                entry = _entry(place, rng)
                if time.monotonic() - saved[claim] > self.settings.resume_seconds:
                    saved[claim] = time.monotonic()
                    entry = RecordEntry(
                        measured=entry.measured,
                        frame=FRAME,
                        weights=entry.weights,
                        resume=entry.weights,
                    )
                recorder.moves()
                recorder.record(claim.run_id, entry)
                due += every / self.speed / len(taken)
                self.stop.wait(max(0.0, due - time.monotonic()))
            place += every


def _entry(place: int, rng: random.Random) -> RecordEntry:
    one = measured(place, 10**9, rng)
    snapshot = Snapshot(place, one.elapsed_seconds, ARRAYS)
    return RecordEntry(
        measured=Measured(one, datetime.now(UTC), PhaseChange()), frame=FRAME, weights=snapshot
    )


def _outbox(worker: SimulatedWorker) -> Outbox:
    return Outbox(worker.settings.redis_url)


def main() -> None:
    given = _arguments()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = Settings()
    there = [
        SimulatedWorker(f"{given.name}-{n}", settings, given.cohort, given.speed, stop)
        for n in range(given.workers)
    ]
    for worker in there:
        worker.start()
    with given.log.open("w") as log:
        while not stop.wait(0.5):
            for worker in there:
                found, worker.flushes[:] = list(worker.flushes), []
                log.writelines(f"{at} {took}\n" for at, took in found)
            log.flush()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.simulated", description=__doc__)
    parser.add_argument("--name", required=True, help="that its workers' begin with")
    parser.add_argument("--workers", type=int, default=1, help="threads that are one each")
    parser.add_argument("--cohort", type=int, default=8, help="runs that each trains at most")
    parser.add_argument("--speed", type=float, default=10_000, help="sequences a second of a run")
    parser.add_argument("--log", type=Path, required=True, help="a line of each flush")
    return parser.parse_args()


if __name__ == "__main__":
    main()
