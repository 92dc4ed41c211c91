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
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from sqlalchemy import Engine

from app.config import Settings
from app.db import queries, recording
from app.db.engine import make_engine, session_scope
from app.db.migrate import upgrade
from app.db.models import Run
from app.schemas.config import RecordingConfig, RunConfig, SeedConfig, TrainingConfig
from app.schemas.expansion import expand
from app.schemas.state import RunState
from app.schemas.study import StudyRequest
from app.schemas.study_presets import main_runs
from app.services.queue import Outbox, transaction
from app.services.runs import create_run
from app.stack.servers import start_servers
from worker.machine import cores
from worker.offline import say
from worker.science.flops import flops_per_update
from worker.science.parameters import Shape

# Sequences per second that the published code reaches on two CPU cores (JAX 0.4.26).
PUBLISHED_TRAINING = 5900
PUBLISHED_END_TO_END = 5700

TOTAL, LEAST = 2_000_000, 15_000  # sequences of a size altogether, and of one run
POLL_SECONDS = 1.0  # looking costs the runs time, too
FEATURES = 512  # of glyphs


@dataclass(frozen=True)
class Lap:
    """Some runs, from their first measurement to the end of the last."""

    sequences: int
    seconds: float
    start_seconds: float  # from the launch to the first measurement
    peak_bytes: int  # of the largest trainer

    @property
    def speed(self) -> float:
        """Sequences per second of all runs together."""
        return self.sequences / self.seconds


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
            first = min(recording.first_computed_at(session, run_id) for run_id in ids)
            last = max(run.finished_at for run in runs if run.finished_at is not None)
            total = sum(run.total_sequences for run in runs)
        return Lap(total, (last - first).total_seconds(), (first - begun).total_seconds(), peak)

    def _wait(self, ids: Sequence[str]) -> int:
        """Until all have ended; the most memory that a trainer had meanwhile."""
        peak = 0
        while True:
            peak = max(peak, _largest_trainer())
            with session_scope(self.engine) as session:
                if queries.all_ended(session, ids):
                    return peak
            time.sleep(POLL_SECONDS)


def bench_cohorts(folder: Path, sizes: Sequence[int], sequences: int) -> dict[str, Any]:
    """Measures each size; prints as it goes."""
    peak = matmul_peak()
    say(f"matrix products of this machine: {peak:.0f} GFLOP/s a core, {cores()} cores")
    found: dict[str, Any] = {}
    with track(folder) as here:
        cold = here.run(_configs(1, 2_000, recorded=True)).start_seconds
        say(f"first run, nothing compiled yet: {cold:.0f} s until its first measurement")
        for size in sizes:
            each = sequences or max(LEAST, min(TOTAL // size, 500_000))
            recorded = here.run(_configs(size, each, recorded=True))
            bare = here.run(_configs(size, each, recorded=False))
            found[str(size)] = _figures(recorded, bare, each, peak)
            say(_line(size, found[str(size)]))
    return {"matmul_gflops_per_core": round(peak, 1), "start_seconds_cold": cold, "cohorts": found}


def bench_paper(folder: Path, fraction: float) -> dict[str, Any]:
    """A fraction of each of the paper's 32 main runs, and the whole projected from it."""
    if not 0 < fraction <= 1:
        raise ValueError(f"--fraction {fraction:g}: write a number above 0, at most 1")
    whole = [run.config for run in expand(StudyRequest(name="paper", runs=main_runs())).members]
    part = [_shortened(config, fraction) for config in whole]
    with track(folder) as here:
        here.run([_shortened(config, 0.001) for config in whole])  # compiles
        lap = here.run(part)
    total = sum(config.training.total_sequences for config in whole)
    projected = total / lap.speed
    say(f"{len(part)} runs, {lap.sequences:,} of {total:,} sequences: {lap.seconds:.0f} s")
    say(f"{lap.speed:,.0f} sequences/s; all of them: {projected / 60:.1f} minutes projected")
    return {
        "paper": {
            "runs": len(part),
            "fraction": fraction,
            "sequences": lap.sequences,
            "seconds": round(lap.seconds, 1),
            "sequences_per_second": round(lap.speed),
            "projected_seconds": round(projected),
        }
    }


def _shortened(config: RunConfig, fraction: float) -> RunConfig:
    """The same run, with the same cadence, cut to a fraction of its length."""
    least = config.training.batch_size
    sequences = max(least, round(config.training.sequences * fraction))
    training = config.training.model_copy(update={"sequences": sequences})
    return config.model_copy(update={"training": training})


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
        workers = [_worker(number, folder) for number in range(cores())]
        try:
            yield Track(engine, outbox)
        finally:
            for worker in workers:
                worker.terminate()
            for worker in workers:
                worker.wait()
            outbox.close()
            engine.dispose()


def _worker(number: int, folder: Path) -> "subprocess.Popen[bytes]":
    celery = (sys.executable, "-m", "celery", "-A", "worker.celery_app", "worker")
    options = ("--without-gossip", "--without-mingle", "-n", f"bench{number}@%h")
    with (folder / f"worker{number}.log").open("wb") as log:
        return subprocess.Popen([*celery, *options], stdout=log, stderr=subprocess.STDOUT)


def _configs(count: int, sequences: int, *, recorded: bool) -> list[RunConfig]:
    """The paper's main run with as many seeds, cut to a length; or with nothing in between."""
    every = 5000 if recorded else -(-sequences // 5000) * 5000
    recording = RecordingConfig(evaluate_every=every, frame_every=every, checkpoint_every=every)
    return [
        RunConfig(
            training=TrainingConfig(sequences=sequences),
            recording=recording,
            seeds=SeedConfig(initial=100 + number),
        )
        for number in range(count)
    ]


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
        "share_of_matmul_peak": round(work * updates / 1e9 / (peak * cores()), 3),
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


def matmul_peak(size: int = 1024, times: int = 20) -> float:
    """GFLOP/s of one core in large matrix products, the best of three."""
    torch.set_num_threads(1)
    matrix = torch.randn(size, size)
    best = float("inf")
    for _ in range(3):
        begun = time.perf_counter()
        for _ in range(times):
            matrix @ matrix
        best = min(best, time.perf_counter() - begun)
    return 2 * size**3 * times / best / 1e9


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
