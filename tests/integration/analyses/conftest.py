"""A run that is trained once for this folder, whose tests leave everything where it is for that."""

from collections.abc import Iterator

import httpx
import pytest

from app.main import create_app
from app.services.runs.creation import create_run
from app.services.runs.outbox import transaction
from tests.integration.analyses.asking import API, CONFIG, asked
from tests.integration.support.recorded import state
from tests.integration.support.rows import empty_all
from tests.integration.support.web_server import serving
from tests.integration.support.worker_process import WorkerProcess
from worker.service.analyses import Analyses
from worker.service.fork_server import ForkServer


@pytest.fixture(autouse=True)
def _empty() -> None:
    """Not between the tests of this folder: they share a trained run."""


@pytest.fixture(scope="package", autouse=True)
def _empty_for_a_file(session_engine, session_outbox) -> None:
    """Nor between its files."""
    empty_all(session_engine, session_outbox)


@pytest.fixture(scope="package")
def api(session_settings):
    with (
        serving(create_app(session_settings)) as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
    ):
        yield client


@pytest.fixture(scope="package")
def trained(api, session_settings, session_engine, session_outbox) -> tuple[str, str]:
    """A trained run, with checkpoints at 0, 5,024, 10,016, 15,008 and 16,000 sequences; and an
    analysis that was asked for before it was there, and has waited for it."""
    with transaction(session_engine, session_outbox) as session:
        made = create_run(session, CONFIG).id
    awaited = asked(
        api, made, "perfected", programs="sub_circuits", checkpoints="all", after_training=True
    )
    process = WorkerProcess(session_settings)
    process.start()
    process.until(lambda: api.get(f"{API}/{awaited}").json()["is_terminal"], "awaited analysis")
    process.kill()
    assert state(session_engine, made) == "finished"
    return made, awaited


@pytest.fixture
def run_id(trained) -> str:
    return trained[0]


@pytest.fixture
def worker(settings, engine, outbox, monkeypatch) -> Iterator[Analyses]:
    """A worker's way to do an analysis, without Celery around it."""
    for name in ("database_url", "redis_url", "data_dir", "store_url"):
        monkeypatch.setenv(f"OPTOSCOPE_{name}".upper(), str(getattr(settings, name)))
    monkeypatch.setenv("OPTOSCOPE_COMPILE", "false")
    forks = ForkServer(settings)
    forks.start()  # from this thread, which stays
    yield Analyses(settings, engine, outbox, "worker1@here", lambda: False, forks)
    forks.end()
