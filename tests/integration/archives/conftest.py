"""Where archives come from, and where they go."""

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import make_url, text

from app.db.base import Base
from app.db.engine import make_engine, session_scope
from app.db.models import AnalysisPart
from app.db.studies import runs_of_study
from app.db.whole.migrate import upgrade
from app.main import create_app
from app.schemas.state import RunState
from app.schemas.studies.request import StudyRequest
from app.services.archives.writing import ArchiveWriter
from app.services.runs.log_files import log_folder
from app.services.runs.outbox import transaction
from app.services.studies import lifecycle
from tests.integration.archives.elsewhere import There, analysis, fill
from tests.integration.support.rows import SMALL, change, new_run
from tests.integration.support.web_server import serving


@pytest.fixture(scope="module")
def another(session_engine, session_settings, tmp_path_factory) -> Iterator[There]:
    name, folder = "optoscope_other", tmp_path_factory.mktemp("other")
    with session_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
        url = make_url(session_settings.database_url).set(database=name)
        address = url.render_as_string(hide_password=False)
        said = {"database_url": address, "data_dir": folder, "most_archive_gb": 0.05}
        settings = session_settings.model_copy(update=said)
        upgrade(settings.database_url)
        engine = make_engine(settings.database_url)
        with (
            serving(create_app(settings)) as server,
            httpx.Client(base_url=server.url, timeout=30) as client,
        ):
            yield There(client, engine, settings)
        engine.dispose()
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def there(another) -> There:
    """The same, empty."""
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with another.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    for path in sorted(another.files, reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return another


@pytest.fixture
def run_id(engine, outbox, tmp_path) -> str:
    run_id = new_run(engine, outbox, SMALL, name="Übung =1", tags=["a", "b"], notes="Notes\n2")
    fill(engine, outbox, run_id, tmp_path)
    return run_id


@pytest.fixture
def study_id(engine, outbox, settings, tmp_path) -> str:
    """A study of two runs, one answered about and with a log, the other failed."""
    asked = {
        "name": "Two seeds",
        "base": SMALL.model_dump(mode="json"),
        "axes": [{"field": "seeds.initial", "values": [1, 2]}],
    }
    with transaction(engine, outbox) as session:
        study = lifecycle.launch(session, StudyRequest.model_validate(asked))
        first, second = [run.id for _, run in runs_of_study(session, study.id)]
    fill(engine, outbox, first, tmp_path)
    fill(engine, outbox, second, tmp_path, RunState.FAILED)
    change(engine, second, error_kind="diverged", error_message="The loss is no number.")
    with session_scope(engine) as session:
        session.add(answer := analysis(first))
        session.flush()
        session.add(AnalysisPart(analysis_id=answer.id, place=0, found={"loss": 0.25, "ü": [1]}))
    log_folder(settings.data_dir).mkdir(parents=True, exist_ok=True)
    (log_folder(settings.data_dir) / f"{first}.log").write_text("began\nended\n")
    return study.id


@pytest.fixture(scope="module")
def good(session_engine, session_outbox, session_settings, tmp_path_factory) -> tuple[bytes, str]:
    """An archive, made once, and the id of its run."""
    run_id = new_run(session_engine, session_outbox, SMALL)
    fill(session_engine, session_outbox, run_id, tmp_path_factory.mktemp("good"))
    writer = ArchiveWriter(session_engine, session_settings.data_dir, [run_id])
    return b"".join(writer.pieces()), run_id
