"""Cohorts, timed the whole way: queued, planned, trained by worker processes, recorded in Postgres.

Workers are real Celery processes, one a core, as `optoscope up` starts them. A size is trained
twice: at the paper's main cadence (four evaluators of 1,000 sequences, strengths, frames and
checkpoints every 5,000 sequences), and with nothing in between. Time counts from the first
measurement of any run, so that starting and compiling are told apart.
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
from typing import Any, NamedTuple

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.config import Settings
from app.db import recording, runs
from app.db.engine import make_engine, session_scope
from app.db.models import Run
from app.db.whole.migrate import upgrade
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.schemas.studies.expansion import expand
from app.schemas.studies.presets import main_runs
from app.schemas.studies.request import StudyRequest
from app.services.runs.creation import create_run
from app.services.runs.outbox import Outbox, transaction
from app.stack.gpus import gpus
from app.stack.servers.start import start_servers
from worker.bench.configs import seeds_of_the_main_run, shortened
from worker.bench.limits import matmul_peak
from worker.offline import say
from worker.science.machine.devices import choose_device, describe_device
from worker.science.machine.flops import flops_per_update
from worker.science.parameters import Shape
from worker.service.machine import cores

# Sequences per second that the published code reaches on two CPU cores (JAX 0.4.26).
PUBLISHED_TRAINING = 5900
PUBLISHED_END_TO_END = 5700

TOTAL, LEAST, MOST = 2_000_000, 20_000, 500_000  # sequences of a lap altogether, and of one run
ENOUGH, MOST_ROUNDS = 4_000_000, 3  # sequences of a size, over all its rounds
POLL_SECONDS = 1.0  # looking costs the runs time, too
FEATURES = 512  # of glyphs


@dataclass(frozen=True)
class Lap:
    """Some runs, from their first measurement to the end of the last."""

    sequences: int
    seconds: float
    start_seconds: float  # from the launch to the first measurement
    peak_bytes: int  # of the largest trainer
    training_seconds: tuple[float, ...]  # of each worker: when one of its runs was trained

    @classmethod
    def joined(cls, laps: Sequence["Lap"]) -> "Lap":
        """Laps one after the other."""
        return cls(
            sum(lap.sequences for lap in laps),
            sum(lap.seconds for lap in laps),
            laps[0].start_seconds,
            max(lap.peak_bytes for lap in laps),
            tuple(seconds for lap in laps for seconds in lap.training_seconds),
        )

    @property
    def speed(self) -> float:
        """Sequences per second of all runs together."""
        return self.sequences / self.seconds

    def projected(self, times: float) -> float:
        """Seconds of the same runs, so many times as long: what starts trainers stays as it is."""
        return max(self.seconds + (times - 1) * trained for trained in self.training_seconds)


@dataclass(frozen=True)
class Track:
    """Servers and workers of their own, where runs are timed."""

    engine: Engine
    outbox: Outbox

    def run(self, configs: Sequence[RunConfig]) -> Lap:
        """Trains all of them to their end and reads from the database how long it took."""
        begun = datetime.now().astimezone()
        with transaction(self.engine, self.outbox) as session:
            ids = [create_run(session, config, name="bench").id for config in configs]
        peak = self._wait(ids)
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
            (first - begun).total_seconds(),
            peak,
            tuple(_covered(spans, worker) for worker in {one.worker for one in spans}),
        )

    def _wait(self, ids: Sequence[str]) -> int:
        """Until all have ended; the most memory that a trainer had meanwhile."""
        peak = 0
        while True:
            peak = max(peak, _largest_trainer())
            with session_scope(self.engine) as session:
                if runs.all_ended(session, ids):
                    return peak
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


def bench_cohorts(
    folder: Path, sizes: Sequence[int], sequences: int, rounds: int
) -> Iterator[dict[str, Any]]:
    """Measures each size; prints as it goes, and yields all that is known so far. A round is a lap
    with records and one without, in turns, since a machine's speed varies."""
    device, places = choose_device("auto"), places_to_train()
    peak = matmul_peak(device)
    what = f"{len(places)} x {describe_device(device)}"
    say(f"{what}: matrix products at {peak:,.0f} GFLOP/s each, one worker each")
    with track(folder) as here:
        cold = here.run(_configs(1, 2_000, recorded=True)).start_seconds
        say(f"first run, nothing compiled yet: {cold:.0f} s until its first measurement")
        found: dict[str, Any] = {}
        for size in sizes:
            found[str(size)] = _measured(here, size, sequences, rounds, peak * len(places))
            say(_line(size, found[str(size)]))
            yield {
                "device": what,
                "matmul_gflops_per_worker": round(peak, 1),
                "start_seconds_cold": round(cold, 1),
                "cohorts": found,
            }


def _measured(here: Track, size: int, sequences: int, rounds: int, peak: float) -> dict[str, Any]:
    """The figures of one size; `sequences` of a run, and `rounds`, are chosen where they are 0."""
    each = sequences or max(LEAST, min(TOTAL // size, MOST))
    rounds = rounds or _rounds(size, each)
    recorded, bare = _laps(here, size, each, rounds)
    return _figures(recorded, bare, each, peak) | {"rounds": rounds}


def _rounds(size: int, each: int) -> int:
    """More where laps are short: those vary more."""
    return min(max(1, ENOUGH // (size * each)), MOST_ROUNDS)


def _laps(here: Track, size: int, each: int, rounds: int) -> tuple[Lap, Lap]:
    """With records and without."""
    laps: dict[bool, list[Lap]] = {True: [], False: []}
    for recorded in (True, False) * rounds:
        laps[recorded].append(here.run(_configs(size, each, recorded=recorded)))
    return Lap.joined(laps[True]), Lap.joined(laps[False])


def bench_paper(folder: Path, fraction: float) -> dict[str, Any]:
    """A fraction of each of the paper's 32 main runs, and the whole projected from it."""
    if not 0 < fraction <= 1:
        raise ValueError(f"--fraction {fraction:g}: write a number above 0, at most 1")
    whole = [run.config for run in expand(StudyRequest(name="paper", runs=main_runs())).runs]
    part = [shortened(config, fraction) for config in whole]
    with track(folder) as here:
        here.run([shortened(config, 0.001) for config in whole])  # compiles
        lap = here.run(part)
    total = sum(config.training.total_sequences for config in whole)
    projected = lap.projected(total / lap.sequences)
    say(f"{len(part)} runs, {lap.sequences:,} of {total:,} sequences: {lap.seconds:.0f} s")
    trained = sum(lap.training_seconds) / len(lap.training_seconds)
    say(f"of these, {trained:.0f} s of training; the rest starts trainers, whatever the length")
    say(f"all of them: {projected / 60:.1f} minutes projected")
    return {
        "paper": {
            "runs": len(part),
            "fraction": fraction,
            "sequences": lap.sequences,
            "seconds": round(lap.seconds, 1),
            "training_seconds_per_worker": [round(one, 1) for one in lap.training_seconds],
            "projected_seconds": round(projected),
        }
    }


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
            yield Track(engine, outbox)
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


def _configs(count: int, sequences: int, *, recorded: bool) -> list[RunConfig]:
    """At the paper's cadence, or with nothing in between."""
    every = 5000 if recorded else -(-sequences // 5000) * 5000
    return seeds_of_the_main_run(count, sequences, every)


def _figures(recorded: Lap, bare: Lap, each: int, peak: float) -> dict[str, Any]:
    config = RunConfig()
    shape = Shape(config.model, FEATURES, config.task.labels, config.task.context_pairs)
    work = flops_per_update(config, shape, config.task.classes * config.task.exemplars)
    updates = bare.speed / config.training.batch_size
    return {
        "sequences_per_second": round(recorded.speed),
        "training_sequences_per_second": round(bare.speed),
        "updates_per_second": round(updates),
        "times_published_end_to_end": round(recorded.speed / PUBLISHED_END_TO_END, 2),
        "times_published_training": round(bare.speed / PUBLISHED_TRAINING, 2),
        "evaluation_and_recording_share": round(1 - recorded.speed / bare.speed, 3),
        "gflops": round(work * updates / 1e9, 1),
        "share_of_matmul_peak": round(work * updates / 1e9 / peak, 3),
        "start_seconds_warm": round(recorded.start_seconds, 1),
        "peak_megabytes_per_trainer": round(recorded.peak_bytes / 1e6),
        "sequences_per_run": each,
    }


def _line(size: int, of: dict[str, Any]) -> str:
    return (
        f"{size:>4} runs: {of['sequences_per_second']:>7,} sequences/s end to end "
        f"({of['times_published_end_to_end']:.1f}x), "
        f"{of['training_sequences_per_second']:>7,} training alone "
        f"({of['times_published_training']:.1f}x), recording "
        f"{of['evaluation_and_recording_share']:.0%}, {of['gflops']:.0f} GFLOP/s "
        f"({of['share_of_matmul_peak']:.0%} of the peak), "
        f"{of['peak_megabytes_per_trainer']} MB a trainer"
    )


def _largest_trainer() -> int:
    """Most resident bytes that a trainer of this machine had, as far as the system tells."""
    sizes = [0]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"worker.trainer" in (process / "cmdline").read_bytes():
                sizes.append(_peak_bytes((process / "status").read_text()))
        except OSError:  # it has ended meanwhile
            continue
    return max(sizes)


def _peak_bytes(status: str) -> int:
    """`VmHWM` of a process, which Linux gives in kB."""
    lines = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return 1024 * int(lines.get("VmHWM", "0 kB").split()[0])
