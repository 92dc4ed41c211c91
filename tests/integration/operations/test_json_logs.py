"""Logs of real processes as JSON."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.integration.support.wait import until
from tests.integration.support.web_server import free_port, wait_until_served

RUN = "8kq2m4x7vd"
MAIN = "import sys; from app.cli import main; sys.exit(main(sys.argv[1:]))"


@contextmanager
def started(settings, log: Path, *command: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        "OPTOSCOPE_DATABASE_URL": settings.database_url,
        "OPTOSCOPE_REDIS_URL": settings.redis_url,
        "OPTOSCOPE_DATA_DIR": str(settings.data_dir),
        "OPTOSCOPE_LOG_FORMAT": "json",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def lines(log: Path) -> list[dict]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def test_a_web_server_logs_objects_that_name_their_request(settings, tmp_path):
    log, port = tmp_path / "web.log", free_port()
    with started(settings, log, "-c", MAIN, "web", "--port", str(port)) as process:
        url = wait_until_served(port, process, log)
        named = httpx.post(f"{url}/api/v1/runs", json={}, headers={"X-Request-ID": "proxy-7"})
        odd = httpx.post(f"{url}/api/v1/runs", json=[], headers={"X-Request-ID": "x" * 65})

    assert named.headers["X-Request-ID"] == "proxy-7"
    assert len(odd.headers["X-Request-ID"]) == 16
    found = {line["request"]: line["message"] for line in lines(log) if "request" in line}
    assert found["proxy-7"].startswith("POST '/api/v1/runs': 202 in ")
    assert found[odd.headers["X-Request-ID"]].startswith("POST '/api/v1/runs': 422 in ")


def test_a_trainer_logs_objects_that_name_its_runs(settings, tmp_path):
    log = tmp_path / "trainer.log"
    with started(settings, log, "-m", "worker.trainer", f"{RUN}:1"):
        until(lambda: "\n" in log.read_text(), seconds=30)
        first = json.loads(log.read_text().splitlines()[0])

    assert (first["message"], first["runs"]) == (f"run {RUN}: attempt 1", [RUN])


def test_a_process_that_ends_by_an_error_logs_it_as_an_object(settings, tmp_path):
    log = tmp_path / "trainer.log"
    program = "from app.logs import log_to_stderr; log_to_stderr('json'); 1 / 0"
    with started(settings, log, "-c", program) as process:
        process.wait(30)

    (said,) = lines(log)
    assert said["error"].endswith("ZeroDivisionError: division by zero")


@pytest.mark.parametrize("given", ["", "a b", "a\u00e9", "x" * 65])
def test_a_request_gets_a_name_of_its_own_unless_it_brings_a_plain_one(client, given):
    headers = [(b"X-Request-ID", given.encode("latin-1"))]

    found = client.get("/healthz", headers=headers).headers["X-Request-ID"]

    assert found != given
    assert len(found) == 16
