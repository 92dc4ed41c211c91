"""`optoscope up` as people use it: a process of its own, in a directory of its own."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest

OPTOSCOPE = Path(sys.executable).parent / "optoscope"
START_SECONDS, STOP_SECONDS = 60.0, 30.0
OUR_SETTINGS = ("OPTOSCOPE_DATABASE_URL", "OPTOSCOPE_REDIS_URL")

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc to find every process")


@dataclass
class Up:
    """A running `optoscope up`."""

    process: subprocess.Popen[bytes]
    log: Path
    data: Path

    @property
    def said(self):
        return self.log.read_text()

    @property
    def url(self):
        return re.search(r"Address +(\S+)", self.said).group(1)

    def pid_of(self, name):
        return json.loads((self.data / "run" / f"{name}.json").read_text())["pid"]

    def runs(self):
        with urlopen(f"{self.url}/api/v1/runs", timeout=20) as answer:
            return json.load(answer)["runs"]

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(timeout=STOP_SECONDS)


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="optoscope-"))
    path.chmod(0o755)  # root's Postgres is another user
    yield path
    shutil.rmtree(path)


@contextmanager
def up(data: Path, *options: str) -> Iterator[Up]:
    """Started and ready; without workers unless the options say so, for a worker trains at once."""
    arguments = ("--port", "0", "--workers", "0", *options)
    environment = {name: value for name, value in os.environ.items() if name not in OUR_SETTINGS}
    log = data.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [OPTOSCOPE, "up", "--data-dir", data, *arguments],
            stdout=output,
            stderr=output,
            env=environment,
        )
    running = Up(process, log, data)
    try:
        await_true(lambda: "Address" in running.said or process.poll() is not None, running)
        assert process.poll() is None, running.said
        yield running
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


def await_true(condition, running, *, seconds=START_SECONDS):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, report(running)
        time.sleep(0.05)


def report(running):
    logs = sorted((running.data / "logs").glob("*.log"))
    return "\n".join([running.said, *(f"{log.name}:\n{log.read_text()[-2000:]}" for log in logs)])


def refused(data: Path, *options: str) -> str:
    """What an `up` that cannot start says; it says one line and ends with 1."""
    done = subprocess.run(
        [OPTOSCOPE, "up", "--data-dir", data, "--workers", "0", *options],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert done.returncode == 1, done
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


def healthy(running):
    try:
        with urlopen(f"{running.url}/healthz", timeout=20) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


def processes_of(data: Path) -> set[int]:
    """Every process that has the data directory in its command line or environment."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            text = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
        except OSError:  # it has ended, or is somebody else's
            continue
        if os.fsencode(data) in text:
            found.add(int(entry.name))
    return found


@linux
def test_it_answers_refuses_what_is_taken_and_stops_without_orphans(place):
    data = place / "data"
    with up(data) as running:
        assert healthy(running)
        assert [run["name"] for run in running.runs()] == ["First run"]

        sentence = refused(data)
        assert f"already runs on {data}" in sentence
        assert running.url in sentence

        port = running.url.rpartition(":")[2]
        assert "another program uses it" in refused(place / "other", "--port", port)

        assert running.stop() == 0
        assert running.said.endswith("Stopped.\n")
        assert not processes_of(data)


@linux
def test_what_is_killed_comes_back_on_the_same_data(place):
    data = place / "data"
    with up(data) as running:
        before = running.runs()
        for name in ("web", "valkey", "postgres"):
            old = running.pid_of(name)
            os.kill(old, signal.SIGKILL)
            await_true(lambda old=old, name=name: running.pid_of(name) != old, running)
        await_true(lambda: ready(running), running)
        assert "Valkey was killed by SIGKILL; it is started again." in running.said

        running.process.kill()
        running.process.wait()
        await_true(lambda: not processes_of(data), running, seconds=STOP_SECONDS)

    with up(data) as running:
        assert [run["id"] for run in running.runs()] == [run["id"] for run in before]
        assert running.stop(signal.SIGINT) == 0


def ready(running):
    try:
        with urlopen(f"{running.url}/readyz", timeout=20) as answer:
            return answer.status == 200
    except (URLError, OSError):
        return False


@linux
def test_a_worker_takes_the_first_run_and_leaves_nobody_behind(place):
    data = place / "data"
    with up(data, "--workers", "1") as running:
        await_true(lambda: running.runs()[0]["state"] != "queued", running)
        worker = running.pid_of("worker")
        # The server that trainers are forked from, and a trainer.
        forked = "-m worker.fork_server"
        await_true(lambda: commands_of(processes_of(data)).count(forked) == 2, running)

        os.kill(worker, signal.SIGKILL)
        await_true(lambda: running.pid_of("worker") != worker, running)
        running.process.kill()
        running.process.wait()

        await_true(lambda: not processes_of(data), running, seconds=STOP_SECONDS)


def commands_of(pids):
    lines = []
    for pid in pids:
        try:
            lines.append(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return "\n".join(lines)


def test_a_full_disk_and_servers_that_do_not_answer_are_told(place, monkeypatch):
    assert "is full" in refused(place / "data", "--least-free-mb", "999000000")

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        monkeypatch.setenv("OPTOSCOPE_DATABASE_URL", f"postgresql://me:secret@127.0.0.1:{port}/x")
        sentence = refused(place / "data", "--port", "0")

    assert f"The database at postgresql://127.0.0.1:{port}/x" in sentence
    assert "secret" not in sentence


def test_servers_of_somebody_else_are_used(place, servers, session_settings, monkeypatch):
    assert session_settings.database_url  # its tables are made
    monkeypatch.setattr(sys.modules[__name__], "OUR_SETTINGS", ())
    monkeypatch.setenv("OPTOSCOPE_DATABASE_URL", servers.database_url)
    monkeypatch.setenv("OPTOSCOPE_REDIS_URL", servers.redis_url)

    with up(place / "data") as running:
        assert [run["name"] for run in running.runs()] == ["First run"]
        assert {path.stem for path in (place / "data" / "run").glob("*.json")} == {"web"}
        assert not (place / "data" / "postgres").exists()
