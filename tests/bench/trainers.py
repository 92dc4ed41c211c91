"""How many runs train at once on one Postgres: more and more, until a goal is missed.

All of it is on one machine here: Postgres, Valkey, the web server, readers, and workers that do not
train (`tests.bench.simulated`). What each takes of the processor is said, so that it can be told
what is the limit.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text

from app.schemas.config import RunConfig
from tests.bench.place import Place
from tests.bench.report import Line, percentile, say
from tests.bench.streams import StreamReader
from tests.integration.support.rows import new_run

MOST_FLUSH, MOST_DRAWN = 250, 500  # milliseconds, p95
SETTLE_SECONDS = 8.0  # after which those that were added train
WORKERS_AT_ONCE = 4  # in a process: more would wait for one interpreter
MEMORY = Path("/dev/shm")
READERS = 8  # open pages
LONG = RunConfig.model_validate({"training": {"sequences": 1_000_000_000}})


@dataclass(frozen=True)
class Ramp:
    """What is tried. `steps`: how many runs train at once."""

    steps: Sequence[int]
    cohort: int
    speed: float  # sequences a second of each
    seconds: float  # of each step


@dataclass(frozen=True)
class Taken:
    """Seconds of processor time so far, by who took them."""

    postgres: float
    valkey: float
    web: float
    trainers: float


def trainers(place: Place, ramp: Ramp) -> Iterator[Line]:
    """A few lines for each step; none past the one where a goal is missed."""
    with ExitStack() as stack:
        folder = MEMORY / f"optoscope-{os.getpid()}"
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        there: list[subprocess.Popen[bytes]] = []
        runs: list[str] = []
        for step in ramp.steps:
            say(f"{step} runs")
            fresh = [new_run(place.engine, place.outbox, LONG) for _ in range(step - len(runs))]
            runs += fresh
            added = -(-len(fresh) // ramp.cohort)
            for first in range(0, added, WORKERS_AT_ONCE):
                count = min(WORKERS_AT_ONCE, added - first)
                there.append(stack.enter_context(_simulated(place, ramp, len(there), count)))
            time.sleep(SETTLE_SECONDS)
            lines = list(_step(place, ramp, step, runs[-READERS:], there))
            yield from lines
            if any(line.verdict == "MISSED" for line in lines):
                return


@contextmanager
def _simulated(
    place: Place, ramp: Ramp, number: int, count: int
) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "tests.bench.simulated", "--name", f"machine{number}"]
    command += ["--workers", str(count), "--cohort", str(ramp.cohort), "--speed", str(ramp.speed)]
    command += ["--log", str(_log(place, number))]
    # In memory, where there is such a place: each machine has a store of its own, or S3 is one.
    store = {"OPTOSCOPE_STORE_URL": f"{MEMORY.as_uri()}/optoscope-{os.getpid()}"}
    told = place.environment | (store if MEMORY.is_dir() else {})
    process = subprocess.Popen(command, env=told)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _log(place: Place, number: int) -> Path:
    return Path(place.environment["OPTOSCOPE_DATA_DIR"]) / f"flushes-{number}"


def _step(
    place: Place,
    ramp: Ramp,
    runs: int,
    watched: Sequence[str],
    there: Sequence["subprocess.Popen[bytes]"],
) -> Iterator[Line]:
    before, rows, begun = _taken(place, there), _rows(place), time.monotonic()
    delays = asyncio.run(_delays(place.url, watched, ramp.seconds))
    took = time.monotonic() - begun
    after, written = _taken(place, there), (_rows(place) - rows) / took
    flushes = _flushes(place, len(there), begun)
    training, connections = _counts(place)
    told = f"of them; Postgres has {connections} connections"
    yield Line(f"{runs} runs: in training", training, "", None, told)
    yield Line(f"{runs}: measurements", written, "/s", None, f"{runs * ramp.speed / 5000:.0f} come")
    yield _late(f"{runs}: flush", flushes, MOST_FLUSH)
    yield _late(f"{runs}: from the model to a page", delays, MOST_DRAWN)
    for name in Taken.__dataclass_fields__:
        share = 100 * (getattr(after, name) - getattr(before, name)) / took
        yield Line(f"{runs}: processor, {name}", share, "%")


def _late(what: str, seconds: Sequence[float], most: float) -> Line:
    if not seconds:  # nothing came at all
        return Line(what, float("inf"), "ms", most, "none")
    median = f"p95 of {len(seconds)}; median {1000 * percentile(seconds, 0.5):.0f} ms"
    return Line(what, 1000 * percentile(seconds, 0.95), "ms", most, median)


async def _delays(url: str, watched: Sequence[str], seconds: float) -> list[float]:
    """Seconds from when numbers left their model until they came to a page's stream."""
    readers = [StreamReader(known=0) for _ in watched]
    tasks = [
        asyncio.create_task(one.read(url, run_id))
        for one, run_id in zip(readers, watched, strict=True)
    ]
    await asyncio.sleep(2)  # what was there before has come
    for one in readers:
        one.delays.clear()
    await asyncio.sleep(seconds)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return [delay for one in readers for delay in one.delays]


def _flushes(place: Place, processes: int, since: float) -> list[float]:
    time.sleep(0.6)  # the last lines are written
    found = []
    for number in range(processes):
        for line in _log(place, number).read_text().splitlines():
            at, took = map(float, line.split())
            if at >= since:
                found.append(took)
    return found


def _rows(place: Place) -> int:
    """Measurements so far, as Postgres counts them: a look at the table would take long."""
    query = "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relname = 'measurement'"
    with place.engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())


def _counts(place: Place) -> tuple[int, int]:
    with place.engine.connect() as connection:
        training = connection.execute(text("SELECT count(*) FROM run WHERE state = 'running'"))
        connected = connection.execute(
            text("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'")
        )
        return int(training.scalar_one()), int(connected.scalar_one())


def _taken(place: Place, there: Sequence["subprocess.Popen[bytes]"]) -> Taken:
    return Taken(
        postgres=_seconds(place.postgres, with_children=True),
        valkey=_seconds(place.valkey),
        web=_seconds(place.web),
        trainers=sum(_seconds(process.pid) for process in there),
    )


def _seconds(pid: int, *, with_children: bool = False) -> float:
    """Of a process, and of its children: those that live, and those that have ended."""
    ticks = _ticks(pid)
    own = sum(ticks[:4]) if with_children else sum(ticks[:2])
    for child in _children(pid) if with_children else ():
        with suppress(OSError):
            own += sum(_ticks(child)[:2])
    return own / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> list[int]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return [int(number) for number in fields[11:15]]


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
