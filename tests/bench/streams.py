"""`python -m tests.bench.streams`: a thousand streams of a run that trains, on one web process.

How late points come, what the web process takes in memory and time, and whether every stream ends
with the series that is in the database.
"""

import argparse
import asyncio
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from app.db.engine import session_scope
from app.db.series import measurements_after
from app.schemas.state import RunState
from tests.bench.place import Place, served
from tests.bench.report import Line, machine, percentile, report, say
from tests.bench.rows import paper_run
from tests.integration.support.rows import moved

MOST_MEGABYTES, MOST_SECONDS = 300, 1.0
POINTS = 200  # measurements that the run has at first
LONGEST = 1 << 22  # bytes of an event
END_SECONDS = 60  # within which all streams have ended with their run
COMPUTED = re.compile(rb'"computed_at":"([^"]+)"')
SEQUENCES = re.compile(rb'"sequences":(\d+),"elapsed_seconds"')


@dataclass
class StreamReader:
    """What came to one client. `known`: events that tell of what was there before."""

    known: int = POINTS
    places: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)  # seconds since a number left its model
    is_done: bool = False

    async def read(self, url: str, run_id: str) -> None:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=LONGEST)
        # Of the older version, whose bodies are not cut in chunks.
        asked = f"GET /api/v1/runs/{run_id}/events HTTP/1.0\r\nHost: {parts.netloc}\r\n\r\n"
        writer.write(asked.encode())
        await reader.readuntil(b"\r\n\r\n")
        while not self.is_done:
            self._take(await reader.readuntil(b"\n\n"))
        writer.close()

    def _take(self, event: bytes) -> None:
        name = event.partition(b"\n")[0]
        if name == b"event: done":
            self.is_done = True
        elif name.startswith(b"event: measurement"):
            self.places += map(int, SEQUENCES.findall(event))
            # Several at once are those of before, or what was read after a gap: the last counts.
            if len(self.places) > self.known:
                computed = datetime.fromisoformat(COMPUTED.findall(event)[-1].decode())
                self.delays.append(time.time() - computed.timestamp())


def main() -> int:
    given = _arguments()
    where = machine()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with served() as place:
        say("Filling the database")
        run_id = paper_run(
            place.engine, place.outbox, POINTS, state=RunState.RUNNING, name="Watched by many"
        )
        say(f"{given.clients} streams for {given.seconds} s")
        readers = asyncio.run(_watch(place, run_id, given))
        lines = _lines(place, run_id, readers)
    return report(lines, where, given.out)


async def _watch(place: Place, run_id: str, given: argparse.Namespace) -> list[StreamReader]:
    readers = [StreamReader() for _ in range(given.clients)]
    tasks = [asyncio.create_task(one.read(place.url, run_id)) for one in readers]
    async with asyncio.timeout(END_SECONDS):
        while not all(one.places for one in readers):
            await asyncio.sleep(0.05)
    command = [sys.executable, "-m", "tests.bench.writer", run_id, "--start", str(POINTS)]
    writer = subprocess.Popen([*command, "--rate", str(given.rate)], env=place.environment)
    await asyncio.sleep(given.seconds)
    writer.terminate()
    await asyncio.to_thread(writer.wait)
    await asyncio.to_thread(moved, place.engine, place.outbox, run_id, RunState.FINISHED)
    await asyncio.wait(tasks, timeout=END_SECONDS)
    for task in tasks:
        task.cancel()
    return readers


def _lines(place: Place, run_id: str, readers: list[StreamReader]) -> list[Line]:
    with session_scope(place.engine) as session:
        written = [row.sequences for row in measurements_after(session, run_id, -1)]
    incomplete = sum(not one.is_done or one.places != written for one in readers)
    delays = [delay for one in readers for delay in one.delays]
    median = percentile(delays, 0.5)
    late = f"p95 of {len(delays)} events; median {median:.3f} s, slowest {max(delays):.2f} s"
    status = Path(f"/proc/{place.web}/status").read_text()
    peak = int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1000
    ticks = Path(f"/proc/{place.web}/stat").read_text().rpartition(")")[2].split()[11:13]
    return [
        Line("streams that lack or double a row", incomplete, "", 0, f"of {len(readers)}"),
        Line("from the model to a reader", percentile(delays, 0.95), "s", MOST_SECONDS, late),
        Line("memory of the web process", peak, "MB", MOST_MEGABYTES, "the most that it took"),
        Line("processor time of the web process", sum(map(int, ticks)) / 100, "s"),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.streams", description=__doc__)
    parser.add_argument("--clients", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=4.0, help="measurements a second")
    parser.add_argument("--out", type=Path, help="write JSON here as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
