"""A real S3 server, as a process of its own: moto's."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from tests.integration.support.web_server import free_port

BUCKET = "optoscope"


@contextmanager
def s3_server(log: Path, seconds: float = 30) -> Iterator[str]:
    """Serves an empty bucket until the block ends; its address."""
    host, port = "127.0.0.1", free_port()
    command = [sys.executable, "-m", "moto.server", "-H", host, "-p", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    url = f"http://{host}:{port}"
    try:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            assert process.poll() is None, log.read_text()
            with suppress(httpx.TransportError):
                if httpx.put(f"{url}/{BUCKET}").status_code == 200:
                    break
            time.sleep(0.05)
        yield url
    finally:
        process.kill()
        process.wait()
