"""The scripts of `deploy`, run as they are: by a shell, with the program itself."""

import os
import shlex
import subprocess
import sys
import tarfile
import time
from pathlib import Path

import pytest

from app.services.runs.creation import create_run
from app.services.runs.outbox import transaction
from app.stack.workers.ends import STOP_SECONDS
from tests.integration.support.recorded import row, state
from tests.integration.support.worker_process import tiny

DEPLOY = Path(__file__).parents[3] / "deploy"
PROGRAMS = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def run(script: str, *words: str, **told: object) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["bash", DEPLOY / script, *words],
        env={**os.environ, "PATH": PROGRAMS, **{name: str(said) for name, said in told.items()}},
        capture_output=True,
        text=True,
        check=False,
    )


def test_secrets_are_made_once_and_differ(tmp_path):
    folder = tmp_path / "secrets"
    made = [run("compose/secrets.sh", str(folder)) for _ in range(2)]
    found = {file.name: file.read_text() for file in folder.iterdir()}

    assert [one.returncode for one in made] == [0, 0], made
    assert found.pop("s3_credentials") == "[default]\n"
    made_up = {"token", "webhook_secret", "postgres_password", "redis_password"}
    assert found.keys() == made_up
    assert {len(secret) for secret in found.values()} == {48}
    assert len(set(found.values())) == len(made_up)
    assert folder.stat().st_mode & 0o777 == 0o700
    (folder / "token").write_text("mine")
    run("compose/secrets.sh", str(folder))
    assert (folder / "token").read_text() == "mine"


def test_backups_are_written_and_the_oldest_goes(tmp_path, settings):
    for day in (1, 2):
        (tmp_path / f"optoscope-2026010{day}T000000Z.tar").touch()
    told = {"BACKUP_DIR": tmp_path, "BACKUP_EVERY_SECONDS": 0, "BACKUP_KEEP": 2}
    done = run("compose/backup.sh", **told, OPTOSCOPE_DATABASE_URL=settings.database_url)

    assert done.returncode == 0, done.stderr
    old, new = sorted(tmp_path.glob("*.tar"))
    assert old.name == "optoscope-20260102T000000Z.tar"
    with tarfile.open(new) as archive:
        assert archive.getnames()


def test_a_backup_that_fails_is_told_and_takes_none_along(tmp_path):
    (tmp_path / "optoscope-20260101T000000Z.tar").touch()
    told = {"BACKUP_DIR": tmp_path, "BACKUP_EVERY_SECONDS": 0, "BACKUP_KEEP": 0}
    done = run("compose/backup.sh", **told, OPTOSCOPE_DATABASE_URL="postgresql://nobody@/none")

    assert done.returncode == 1
    kept = {file.name for file in tmp_path.iterdir()}
    assert kept == {"optoscope-20260101T000000Z.tar", ".failed"}  # which the health check looks for


@pytest.mark.slow  # a worker starts, and is given a few seconds
def test_a_job_of_slurm_ends_before_its_time_and_its_run_waits(settings, engine, outbox, tmp_path):
    with transaction(engine, outbox) as session:
        run_id = create_run(session, tiny(training={"sequences": 1_000_000})).id
    said = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    lines = [f"OPTOSCOPE_{name}={shlex.quote(value)}" for name, value in said.items()]
    (tmp_path / "env").write_text("\n".join([*lines, "OPTOSCOPE_DEVICE=cpu"]))
    told = {"OPTOSCOPE_ENV": tmp_path / "env", "TMPDIR": tmp_path, "SLURM_JOB_ID": 7}
    ends_at = int(time.time() + 60 + STOP_SECONDS + 4)

    done = run("slurm/optoscope-worker.sbatch", **told, SLURM_JOB_END_TIME=ends_at)

    assert time.time() < ends_at - 60
    assert done.returncode == 0, done.stderr
    assert "The deadline is near: runs in training are given back." in done.stdout
    assert (state(engine, run_id), row(engine, run_id).lease_until) == ("queued", None)
    assert (tmp_path / "optoscope-7").is_dir()


def test_workers_that_would_have_no_time_to_stop_are_not_started(settings, tmp_path):
    said = {"DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url}
    done = subprocess.run(
        [Path(sys.executable).parent / "optoscope", "worker", "--deadline", "10s"],
        env={**os.environ, **{f"OPTOSCOPE_{name}": value for name, value in said.items()}},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("optoscope: The deadline is in 10 s, and workers need 30 s")
