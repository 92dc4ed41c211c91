"""`python -m worker bench`: how fast this machine trains, measured the way runs are trained.

Each figure comes from a run that goes the whole way: claimed, trained by a trainer process,
recorded in a real Postgres with its frames and checkpoints. Three runs: one that compiles with an
empty cache, one that trains at the paper's main cadence (`sequences_per_second`), and one that
records nothing in between (`training_sequences_per_second`).
"""

import argparse
import json
import os
import platform
import tempfile
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from app.config import Settings
from app.db import recording
from app.db.engine import make_engine, session_scope
from app.db.migrate import upgrade
from app.schemas.config import RecordingConfig, RunConfig, TrainingConfig
from app.schemas.state import RunState
from app.services.queue import Outbox, transaction
from app.services.runs import create_run, run_or_error
from app.stack.servers import start_servers
from worker.bench_clamps import bench_clamps
from worker.offline import say
from worker.supervisor import Supervisor

# Sequences per second that the published code reaches on two CPU cores (JAX 0.4.26).
PUBLISHED_TRAINING = 5900
PUBLISHED_END_TO_END = 5700


def bench(given: argparse.Namespace) -> None:
    """Measures, prints a table, and writes JSON if asked to."""
    if given.clamps:
        where = machine()
        for line in _heading(where):
            say(line)
        _write(given.out, {"machine": where, "clamps": bench_clamps()})
        return
    if given.cohorts != "1":
        raise ValueError(f"--cohorts {given.cohorts}: runs are trained one at a time so far; use 1")
    with tempfile.TemporaryDirectory(prefix="optoscope-bench-") as folder:
        figures = _measure(Path(folder), given.sequences)
    result = {"machine": machine(), "cohorts": {"1": figures}}
    for line in _table(result):
        say(line)
    _write(given.out, result)


def _write(path: Path | None, result: dict[str, Any]) -> None:
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("optoscope", "torch", "numpy", "psycopg")},
    }


def _measure(folder: Path, sequences: int) -> dict[str, Any]:
    with start_servers(folder) as servers:
        upgrade(servers.database_url)
        os.environ |= {  # the trainer processes read their settings from there, too
            "OPTOSCOPE_DATABASE_URL": servers.database_url,
            "OPTOSCOPE_REDIS_URL": servers.redis_url,
            "OPTOSCOPE_DATA_DIR": str(folder),
        }
        settings = Settings()
        track = Track(settings, make_engine(settings.database_url), Outbox(settings.redis_url))
        cold = track.run(2_000, recorded=True)
        recorded = track.run(sequences, recorded=True)
        bare = track.run(sequences, recorded=False)
        track.outbox.close()
        track.engine.dispose()
    return {
        "sequences_per_second": round(recorded.speed),
        "training_sequences_per_second": round(bare.speed),
        "updates_per_second": round(bare.speed / TrainingConfig().batch_size),
        "times_published_end_to_end": round(recorded.speed / PUBLISHED_END_TO_END, 2),
        "times_published_training": round(bare.speed / PUBLISHED_TRAINING, 2),
        "evaluation_and_recording_share": round(1 - recorded.speed / bare.speed, 3),
        "start_seconds_cold": round(cold.start_seconds, 1),
        "start_seconds_warm": round(recorded.start_seconds, 1),
        "device": recorded.device,
        "sequences": sequences,
    }


@dataclass(frozen=True)
class Lap:
    """One measured run. `start_seconds`: from the claim to the first measurement."""

    speed: float
    start_seconds: float
    device: str


@dataclass(frozen=True)
class Track:
    """Where runs are timed: the real supervisor, on servers of its own."""

    settings: Settings
    engine: Engine
    outbox: Outbox

    def run(self, sequences: int, *, recorded: bool) -> Lap:
        """Trains one run to its end and reads from the database how long it took."""
        config = _config(sequences, recorded=recorded)
        with transaction(self.engine, self.outbox) as session:
            run_id = create_run(session, config, name="bench").id
        begun = datetime.now().astimezone()
        supervisor = Supervisor(self.settings, self.engine, self.outbox, "bench", lambda: False)
        supervisor.attend(run_id)
        with session_scope(self.engine) as session:
            run = run_or_error(session, run_id)
            if run.state != RunState.FINISHED or run.finished_at is None:
                raise ValueError(f"the run ended {run.state}: {run.error_message}")
            first = recording.first_computed_at(session, run_id)
            seconds = (run.finished_at - first).total_seconds()
            start = (first - begun).total_seconds()
            return Lap(run.total_sequences / seconds, start, run.device or "")


def _config(sequences: int, *, recorded: bool) -> RunConfig:
    """The paper's main run and cadence, cut to a length; or the same with nothing in between."""
    every = 5000 if recorded else sequences
    return RunConfig(
        training=TrainingConfig(sequences=sequences),
        recording=RecordingConfig(evaluate_every=every, frame_every=every, checkpoint_every=every),
    )


def _processor() -> str:
    """The processor's name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _table(result: dict[str, Any]) -> list[str]:
    return [
        *_heading(result["machine"]),
        *(
            f"{name.replace('_', ' '):>32}  {value}"
            for name, value in result["cohorts"]["1"].items()
        ),
    ]


def _heading(where: dict[str, Any]) -> list[str]:
    """The machine, beside every figure that is measured on it."""
    versions = ", ".join(f"{name} {number}" for name, number in where["versions"].items())
    return [
        f"{where['processor']}, {where['cores']} cores, load {where['load_before']:.2f} before",
        f"{where['system']}, Python {where['python']}, {versions}",
    ]
