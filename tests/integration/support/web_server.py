"""The web application behind a real server, in a thread of the test process."""

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI

from app.dependencies import Services


@dataclass(frozen=True)
class WebServer:
    app: FastAPI
    url: str

    @property
    def services(self) -> Services:
        return self.app.state.services


@contextmanager
def serving(
    app: FastAPI, seconds: float = 20, listener: socket.socket | None = None
) -> Iterator[WebServer]:
    """Serves until the block ends; on a free port, unless on a socket that listens already."""
    config = uvicorn.Config(
        app, port=0, log_level="warning", access_log=False, timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    sockets = None if listener is None else [listener]
    thread = threading.Thread(target=server.run, args=(sockets,), name="web server")
    thread.start()
    try:
        deadline = time.monotonic() + seconds
        while not server.started:
            assert thread.is_alive(), "the web server ended while starting"
            assert time.monotonic() < deadline, f"the web server did not start in {seconds} s"
            time.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield WebServer(app, f"http://127.0.0.1:{port}")
    finally:
        server.should_exit = True
        thread.join()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_served(
    port: int, process: subprocess.Popen[bytes], log: Path, seconds: float = 30
) -> str:
    """The address, once a server process answers there."""
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert process.poll() is None, f"the web server ended:\n{log.read_text()}"
        with suppress(httpx.TransportError):
            if httpx.get(f"{url}/healthz").status_code == 200:
                return url
        time.sleep(0.02)
    raise AssertionError(f"nothing is served at {url} after {seconds} s:\n{log.read_text()}")
