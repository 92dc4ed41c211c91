"""A real Postgres, a real Valkey and the web server as a process, in a directory of their own."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from app.db.engine import make_engine
from app.db.whole.migrate import upgrade
from app.services.runs.outbox import Outbox
from app.stack.assets import ensure_assets
from app.stack.servers.postgres import SETTINGS
from app.stack.servers.start import Servers, start_servers
from tests.integration.support.web_server import free_port, wait_until_served

STOP_SECONDS = 20


@dataclass(frozen=True)
class Place:
    """Where a benchmark measures."""

    url: str
    engine: Engine
    outbox: Outbox
    environment: dict[str, str]  # for processes that use the same servers
    web: int  # the web server's process
    postgres: int
    valkey: int


@contextmanager
def served(*, durable: bool = False, connections: int | None = None) -> Iterator[Place]:
    """Everything but workers, empty, until the block ends. `durable`: as in earnest, and slower;
    `connections`: that Postgres takes, if not as many as the program's own does."""
    ensure_assets()
    if connections is not None:
        SETTINGS["max_connections"] = str(connections)
    with tempfile.TemporaryDirectory(prefix="optoscope-bench-") as folder:
        Path(folder).chmod(0o755)  # Postgres, started by root, runs as a user of its own
        with start_servers(Path(folder), durable=durable) as servers:
            upgrade(servers.database_url)
            engine, outbox = make_engine(servers.database_url), Outbox(servers.redis_url)
            environment = _environment(servers, Path(folder))
            try:
                with _web(Path(folder), environment) as (url, web):
                    pids = (web, servers.postgres.pid, servers.valkey.pid)
                    yield Place(url, engine, outbox, environment, *pids)
            finally:
                outbox.close()
                engine.dispose()


def _environment(servers: Servers, folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "OPTOSCOPE_DATABASE_URL": servers.database_url,
        "OPTOSCOPE_REDIS_URL": servers.redis_url,
        "OPTOSCOPE_DATA_DIR": str(folder),
    }


@contextmanager
def _web(folder: Path, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    port, log = free_port(), folder / "web.log"
    command = [sys.executable, "-m", "uvicorn", "app.main:create_app", "--factory"]
    command += ["--port", str(port), "--no-access-log", "--log-level", "warning"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        yield wait_until_served(port, process, log), process.pid
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)
