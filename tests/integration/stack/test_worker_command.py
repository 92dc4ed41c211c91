"""`optoscope worker` as people use it: a process of its own, with processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.services.runs.creation import create_run
from app.services.runs.outbox import transaction
from tests.integration.support.recorded import state
from tests.integration.support.wait import until
from tests.integration.support.worker_process import tiny

OPTOSCOPE = Path(sys.executable).parent / "optoscope"


@pytest.fixture
def named(settings, tmp_path, monkeypatch) -> dict[str, str]:
    """An environment that names the servers, each by a file."""
    (tmp_path / "database").write_text(settings.database_url)
    (tmp_path / "redis").write_text(f"{settings.redis_url}\n")
    files = {"DATABASE_URL_FILE": tmp_path / "database", "REDIS_URL_FILE": tmp_path / "redis"}
    # As other libraries bring it along: Celery would rewrite its processes' commands with it.
    (tmp_path / "setproctitle.py").write_text(
        f"def setproctitle(title):\n    open({str(tmp_path / 'titles')!r}, 'a').write(title)\n"
    )
    before = filter(None, [os.environ.get("PYTHONPATH")])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path), *before)))
    said = {"DATA_DIR": settings.data_dir, "COMPILE": "false", "DEVICE": "cpu", **files}
    return {**os.environ, **{f"OPTOSCOPE_{name}": str(value) for name, value in said.items()}}


@pytest.mark.slow  # two workers start, and load torch
def test_workers_train_say_that_they_work_and_end_when_nothing_is_to_do(
    named, engine, outbox, tmp_path
):
    with transaction(engine, outbox) as session:
        # Long enough to be asked after: seconds.
        run_id = create_run(session, tiny(training={"sequences": 32_000})).id
    log = tmp_path / "said"
    # Longer than a loaded machine takes from the word that a run waits to its claim.
    command = [OPTOSCOPE, "worker", "--processes", "2", "--until-idle", "5s"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=named, stdout=output, stderr=output)
    try:
        until(lambda: state(engine, run_id) == "running", seconds=60)
        asked = subprocess.run(
            [OPTOSCOPE, "health"], env=named, capture_output=True, text=True, check=False
        )
        assert process.wait(60) == 0, log.read_text()
    finally:
        process.kill()

    assert (asked.returncode, asked.stdout) == (0, "2 of this machine's workers work.\n"), asked
    assert not (tmp_path / "titles").exists()
    assert state(engine, run_id) == "finished"
    assert "2 worker processes, on cpu." in log.read_text()
    assert "Nothing was to do for 5 s." in log.read_text()
