"""A real Postgres and a real Valkey, started once; every test finds them empty."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine

import tests.integration.support.hidden  # noqa: F401  # imported for its listener alone
from app.config import Settings
from app.db.engine import make_engine
from app.db.recording import StoredFile
from app.db.whole.migrate import upgrade
from app.main import create_app
from app.schemas.state import RunState
from app.services.runs.outbox import Outbox
from app.stack.servers.start import Servers, start_servers
from tests.integration.support.rows import (
    add,
    add_checkpoint,
    add_frame,
    add_probe,
    change,
    empty_all,
    measurement,
    moved,
    new_run,
)
from tests.integration.support.web_server import WebServer, serving


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    with tempfile.TemporaryDirectory(prefix="optoscope-") as folder:
        # Postgres, started by root, runs as a user of its own.
        Path(folder).chmod(0o755)
        with start_servers(Path(folder), durable=False) as running:
            yield running


@pytest.fixture(scope="session")
def session_settings(servers, tmp_path_factory) -> Settings:
    settings = Settings(
        database_url=servers.database_url,
        redis_url=servers.redis_url,
        data_dir=tmp_path_factory.mktemp("data"),
    )
    upgrade(settings.database_url)
    return settings


@pytest.fixture(scope="session")
def session_engine(session_settings) -> Iterator[Engine]:
    engine = make_engine(session_settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def session_outbox(session_settings) -> Iterator[Outbox]:
    outbox = Outbox(session_settings.redis_url)
    yield outbox
    outbox.close()


@pytest.fixture(scope="module", autouse=True)
def _empty_for_a_file(session_engine, session_outbox) -> None:
    """Fixtures of a file come before those of its first test, and train runs of their own."""
    empty_all(session_engine, session_outbox)


@pytest.fixture(autouse=True)
def _empty(session_engine, session_outbox) -> None:
    empty_all(session_engine, session_outbox)


@pytest.fixture
def settings(session_settings) -> Settings:
    return session_settings


@pytest.fixture
def engine(session_engine) -> Engine:
    return session_engine


@pytest.fixture
def outbox(session_outbox) -> Outbox:
    return session_outbox


@pytest.fixture(scope="module")
def server(session_settings) -> Iterator[WebServer]:
    """The application behind a real server, in a thread; one for a file of tests."""
    with serving(create_app(session_settings)) as server:
        yield server


@pytest.fixture
def client(server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=30) as client:
        yield client


@pytest.fixture
def trained(engine, outbox) -> str:
    """A run with three measurements, a frame, a probe and a checkpoint."""
    run_id = new_run(engine, outbox, name="Trained", tags=["fig 3"])
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    add(engine, run_id, *(measurement(place, loss=0.5) for place in (0, 5024, 10_016)))
    add_frame(engine, outbox, run_id, 5024)
    add_probe(engine, run_id)
    add_checkpoint(engine, run_id, StoredFile(5024, "file:///nowhere", 270_000, "ab" * 32))
    change(engine, run_id, sequences=10_016, train_loss=0.5, sequences_per_second=20_000.0)
    change(engine, run_id, onset=4000.0, midpoint=6000.0)
    return run_id
