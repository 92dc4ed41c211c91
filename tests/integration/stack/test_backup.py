"""A backup of a server that trains, restored elsewhere: the same rows, files and curve."""

import hashlib
import tarfile
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import create_engine, make_url, text

from app import cli
from app.backup import backup, restore
from app.config import Settings
from app.db.engine import make_engine
from app.main import create_app
from app.services.runs.outbox import Outbox
from app.stack.trouble import StackError
from tests.integration.support.recorded import numbers, places, state
from tests.integration.support.rows import new_run
from tests.integration.support.wait import sweep
from tests.integration.support.web_server import serving
from tests.integration.support.worker_process import WorkerProcess, half_way, tiny

SHORT = tiny(training={"sequences": 1600}, recording={"checkpoint_every": 500})


@pytest.fixture
def elsewhere(session_engine, session_settings, tmp_path) -> Iterator[Settings]:
    """Another database, empty, and another data directory."""
    name = "optoscope_restored"
    with session_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
        url = make_url(session_settings.database_url).set(database=name)
        there = tmp_path / "there"
        there.mkdir()
        plain = url.render_as_string(hide_password=False)
        yield session_settings.model_copy(update={"database_url": plain, "data_dir": there})
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


def contents(database_url: str) -> dict[str, list[tuple[object, ...]]]:
    """All rows of what a backup holds, but for where files lie."""
    engine = create_engine(database_url)
    tables = ("run", "measurement", "frame", "probe", "run_event", "study", "study_run")
    with engine.connect() as connection:
        found = {
            table: sorted(map(tuple, connection.execute(text(f"SELECT * FROM {table}"))), key=repr)
            for table in tables
        }
    engine.dispose()
    return found


def hashes(settings: Settings) -> dict[str, str]:
    root = settings.data_dir / "checkpoints"
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*.safetensors")
    }


def test_a_backup_of_a_server_that_trains_is_one_moment_that_goes_on_elsewhere(
    settings, engine, outbox, elsewhere, tmp_path
):
    here = settings.model_copy(update={"data_dir": tmp_path / "here"})
    here.data_dir.mkdir()
    worker = WorkerProcess(here, lease_seconds=2)  # which the restored run is held by
    worker.start()
    try:
        finished = new_run(engine, outbox, SHORT, name="Done")
        worker.until(lambda: state(engine, finished) == "finished", "finished run")
        running = half_way(worker, engine, lambda: new_run(engine, outbox, tiny(), name="Half"))
        backup(here, tmp_path / "all.tar", print)
        worker.until(lambda: state(engine, running) == "finished", "finished run")
    finally:
        worker.kill()

    restore(elsewhere, tmp_path / "all.tar", print)

    restored, other = make_engine(elsewhere.database_url), Outbox(elsewhere.redis_url)
    assert numbers(restored, finished) == numbers(engine, finished)
    measured = places(restored, running)
    assert measured == places(engine, running)[: len(measured)]
    saved = {name: digest for name, digest in hashes(here).items() if name.startswith(finished)}
    assert saved.items() <= hashes(elsewhere).items()
    worker = WorkerProcess(elsewhere, lease_seconds=2)
    worker.start()
    try:
        worker.until(
            lambda: sweep(restored, other) or state(restored, running) == "finished", "finished run"
        )
        assert numbers(restored, running) == numbers(engine, running)
    finally:
        worker.kill()
        restored.dispose()
        other.close()


def test_a_restored_server_serves_the_same_and_counts_on(
    settings, engine, trained, elsewhere, tmp_path, monkeypatch
):
    file = str(tmp_path / "all.tar")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM checkpoint"))  # of a file that never was
    monkeypatch.setenv("OPTOSCOPE_DATABASE_URL", settings.database_url)
    assert cli.main(["backup", file]) == 0
    monkeypatch.setenv("OPTOSCOPE_DATABASE_URL", elsewhere.database_url)
    assert cli.main(["restore", file, "--data-dir", str(elsewhere.data_dir)]) == 0
    assert cli.main(["migrate"]) == 0  # which finds nothing to do

    assert contents(elsewhere.database_url) == contents(settings.database_url)
    with serving(create_app(elsewhere)) as server, httpx.Client(base_url=server.url) as client:
        table = client.get(f"/api/v1/runs/{trained}/measurements.csv")
        assert len(table.text.splitlines()) == 4
        launched = client.post("/api/v1/runs", json={})
        assert launched.status_code == 202, launched.text


def test_a_backup_goes_into_nothing_that_is_there(settings, trained, tmp_path, engine):
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM checkpoint"))
    backup(settings, tmp_path / "all.tar", print)

    with pytest.raises(StackError, match="is there already"):
        backup(settings, tmp_path / "all.tar", print)
    with pytest.raises(StackError, match="has runs already"):
        restore(settings, tmp_path / "all.tar", print)
    assert [path.name for path in tmp_path.iterdir()] == ["all.tar"]


def test_what_is_no_backup_is_refused(elsewhere, tmp_path):
    (tmp_path / "text.tar").write_text("nothing")
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(__file__, "manifest.json")

    for name in ("text.tar", "other.tar", "missing.tar"):
        with pytest.raises(StackError, match=name):
            restore(elsewhere, tmp_path / name, print)


def test_a_damaged_checkpoint_is_named(settings, trained, tmp_path):
    with pytest.raises(
        StackError, match="file:///nowhere is missing or damaged; delete its run for good"
    ):
        backup(settings, tmp_path / "all.tar", print)

    assert not [*tmp_path.iterdir()]


def test_the_command_finds_the_database_of_a_data_directory(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("OPTOSCOPE_DATABASE_URL", raising=False)
    place = tmp_path / "data"
    tmp_path.chmod(0o755)

    assert cli.main(["backup", str(tmp_path / "b.tar"), "--data-dir", str(place)]) == 1

    assert "no tables of Optoscope" in capsys.readouterr().err
