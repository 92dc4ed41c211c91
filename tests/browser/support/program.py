"""The real program for browser tests: `optoscope up` as a process, and its API to compare with."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx

T = TypeVar("T")

OPTOSCOPE = Path(sys.executable).parent / "optoscope"
OUR_SETTINGS = ("OPTOSCOPE_DATABASE_URL", "OPTOSCOPE_REDIS_URL", "OPTOSCOPE_STORE_URL")
START_SECONDS, STOP_SECONDS, WAIT_SECONDS = 90.0, 40.0, 60.0
EVERYTHING = {"series": "*", "max_points": 100_000}
UPDATE_EVERY = 32  # sequences: a batch

# One head always finds the label, so that the loss falls at once.
FOUND = {"kind": "set_pattern", "site": "L1H0.pattern[query]", "target": "induction"}
SMALL = {
    "model": {"width": 16, "heads": 2},
    "task": {"classes": 10, "new_classes": 10},
    "training": {"sequences": 9_600, "learning_rate": 5e-3},
    "recording": {
        "evaluate_every": 10 * UPDATE_EVERY,
        "frame_every": 50 * UPDATE_EVERY,
        "checkpoint_every": 150 * UPDATE_EVERY,
        "evaluation_sequences": 64,
    },
    "program": [FOUND],
}
# Longer than any test: those that watch it end it themselves.
ENDLESS = {**SMALL, "training": {"sequences": 2_000_000, "learning_rate": 1e-4}, "program": []}


@dataclass
class Program:
    """A running `optoscope up`."""

    process: subprocess.Popen[bytes]
    log: Path
    data: Path

    @property
    def said(self) -> str:
        return self.log.read_text()

    @property
    def url(self) -> str:
        found = re.search(r"Address +(\S+)", self.said)
        assert found, self.report()
        return found[1]

    @property
    def client(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.url}/api/v1", timeout=30)

    def get(self, path: str, **query: Any) -> Any:
        """What the API answers."""
        with self.client as client:
            return client.get(path, params=query).raise_for_status().json()

    def post(self, path: str, **body: Any) -> Any:
        with self.client as client:
            return client.post(path, json=body).raise_for_status().json()

    def run(self, run_id: str) -> Any:
        return self.get(f"/runs/{run_id}")

    def launch(self, config: dict[str, Any], name: str) -> str:
        """Queues a run; its id."""
        return str(self.post("/runs", config=config, name=name)["id"])

    def cancel(self, run_id: str) -> None:
        self.post(f"/runs/{run_id}/cancel")

    def cancel_all(self) -> None:
        """Ends whatever still waits or trains."""
        for run in self.get("/runs")["runs"]:
            if not run["is_terminal"]:
                self.cancel(run["id"])

    def finished(self, run_id: str) -> Any:
        """The run, once it will not change any more."""

        def ended() -> Any:
            run = self.run(run_id)
            return run if run["is_terminal"] else None

        return self.until(ended, f"end of run {run_id}")

    def series(self, run_id: str) -> dict[str, list[Any]]:
        """Every number that a run measured, by the name of its series."""
        read = self.get(f"/runs/{run_id}/measurements", **EVERYTHING)
        assert read["thinning"]["rule"] == "none"
        return {**read["series"], **{name: read[name] for name in ("sequences", "computed_at")}}

    def kill(self, name: str) -> None:
        """`kill -9` of one of the processes that it watches."""
        record = json.loads((self.data / "run" / f"{name}.json").read_text())
        os.kill(record["pid"], signal.SIGKILL)

    def until(self, look: Callable[[], T | None], what: str, seconds: float = WAIT_SECONDS) -> T:
        """What `look` sees, as soon as it sees something."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if seen := look():
                return seen
            time.sleep(0.05)
        raise AssertionError(f"no {what} within {seconds:.0f} s\n{self.report()}")

    def report(self) -> str:
        """The ends of all logs."""
        logs = sorted(self.data.glob("logs/**/*.log"))
        return "\n".join([self.said, *(f"--- {log}\n{log.read_text()[-3000:]}" for log in logs)])


@contextmanager
def running(place: Path, *, compile: bool = False) -> Iterator[Program]:
    """The program in a directory of its own, at a free port, with nothing to train."""
    inherited = {name: value for name, value in os.environ.items() if name not in OUR_SETTINGS}
    log, data = place / "up.log", place / "data"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [OPTOSCOPE, "up", "--data-dir", data, "--port", "0", "--workers", "1"],
            stdout=output,
            stderr=output,
            env={**inherited, "OPTOSCOPE_COMPILE": str(compile), "OPTOSCOPE_THREADS": "1"},
        )
    program = Program(process, log, data)
    try:
        program.until(lambda: _is_up(program), "start", START_SECONDS)
        program.cancel_all()  # the run that a first start queues
        yield program
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


def _is_up(program: Program) -> bool:
    assert program.process.poll() is None, program.report()
    if "Address" not in program.said:
        return False
    return httpx.get(f"{program.url}/healthz", timeout=30).status_code == httpx.codes.OK
