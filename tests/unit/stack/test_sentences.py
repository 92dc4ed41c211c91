"""What people read when something is missing or in the way."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import cli
from app.config import Settings
from app.stack import compiler
from app.stack.door import check_token
from app.stack.listener import Listener, listen
from app.stack.places import open_data_dir
from app.stack.servers.external import without_password
from app.stack.trouble import StackError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql+psycopg://me:secret@host:1/name?x=1", "postgresql://host:1/name"),
        ("redis://:secret@host:6379/0", "redis://host:6379/0"),
        ("unix:///run/redis.sock?password=secret", "unix:///run/redis.sock"),
        ("secret", "an address without scheme"),
    ],
)
def test_addresses_are_shown_without_passwords(url, shown):
    assert without_password(url) == shown


def test_a_missing_compiler_is_named_with_a_remedy(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "no-such-compiler")
    monkeypatch.setattr(compiler, "PROGRAMS", tmp_path)

    sentence = compiler.compiler_warning()

    assert sentence is not None
    assert sentence.startswith("There is no C++ compiler (no-such-compiler): runs are trained")
    assert "To get it: " in sentence

    (tmp_path / "1.program").touch()
    assert "slower, but for those of the default shape. To" in (compiler.compiler_warning() or "")


def test_a_full_disk_is_refused_with_how_much_is_missing(tmp_path):
    free_mb = shutil.disk_usage(tmp_path).free // 1_000_000

    with pytest.raises(StackError, match=r"disk of .* is full: \d+ MB are free and"):
        open_data_dir(tmp_path, least_free_mb=free_mb + 1_000_000)


def test_a_data_directory_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StackError, match=r"file/x cannot be written \(Not a directory\)"):
        open_data_dir(tmp_path / "file" / "x")


def test_migrate_without_a_database_says_what_to_set(monkeypatch, capsys):
    monkeypatch.delenv("OPTOSCOPE_DATABASE_URL", raising=False)

    assert cli.main(["migrate"]) == 1
    assert "OPTOSCOPE_DATABASE_URL is not set; write postgresql://" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--port", "70000"], ["--port", "x"], ["--workers", "-1"]])
def test_numbers_that_cannot_be_are_refused(arguments, capsys):
    with pytest.raises(SystemExit):
        cli.main(["up", *arguments])

    assert f"argument {arguments[0]}: {arguments[1]!r} is not a" in capsys.readouterr().err


def test_version_is_the_one_of_the_package(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--version"])

    assert capsys.readouterr().out.startswith("Optoscope 0.")


def test_assets_already_there_are_left_alone(capsys):
    from app.stack.assets import VENDOR, pinned_versions

    if not Path(VENDOR, "VERSIONS").exists():
        pytest.skip("the front-end libraries were not fetched in this checkout")
    before = Path(VENDOR, "VERSIONS").stat().st_mtime_ns

    assert cli.main(["assets"]) == 0
    assert Path(VENDOR, "VERSIONS").stat().st_mtime_ns == before
    assert Path(VENDOR, "VERSIONS").read_text() == pinned_versions()


@pytest.fixture
def listener() -> Iterator[Listener]:
    """An address that other machines can reach."""
    listener = listen("0.0.0.0", 0)
    with listener.socket:
        yield listener


def test_an_address_that_others_can_reach_takes_a_token(listener, monkeypatch, tmp_path):
    with pytest.raises(StackError, match="so a token is needed: set OPTOSCOPE_TOKEN"):
        check_token(listener)

    monkeypatch.setenv("OPTOSCOPE_TOKEN", "short")
    with pytest.raises(StackError, match="OPTOSCOPE_TOKEN has 5 characters; take 16 or more"):
        check_token(listener)

    monkeypatch.setenv("OPTOSCOPE_TOKEN", "")
    monkeypatch.setenv("OPTOSCOPE_TOKEN_FILE", str(tmp_path / "token"))
    with pytest.raises(StackError, match="OPTOSCOPE_TOKEN_FILE cannot be read"):
        check_token(listener)

    (tmp_path / "token").write_text("\n")
    with pytest.raises(StackError, match="is empty"):
        check_token(listener)

    (tmp_path / "token").write_text("a long enough token\n")
    check_token(listener)


def test_an_address_of_this_machine_alone_takes_none():
    listener = listen("127.0.0.1", 0)
    with listener.socket:
        check_token(listener)


@pytest.mark.parametrize("path", ["", " "])
def test_a_data_directory_without_a_name_is_refused(path, monkeypatch, capsys):
    with pytest.raises(SystemExit):
        cli.main(["up", "--data-dir", path])
    assert "it is empty; write the path of a directory" in capsys.readouterr().err

    monkeypatch.setenv("OPTOSCOPE_DATA_DIR", path)
    with pytest.raises(ValueError, match="it is empty"):
        Settings(database_url="postgresql://", redis_url="redis://")


@pytest.mark.parametrize("command", ["up", "web"])
def test_the_program_does_not_start_where_others_could_use_it(
    command, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("OPTOSCOPE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/x")
    monkeypatch.setenv("OPTOSCOPE_REDIS_URL", "redis://127.0.0.1:1/0")
    given = ["--data-dir", str(tmp_path)] if command == "up" else []

    assert cli.main([command, "--host", "0.0.0.0", "--port", "0", *given]) == 1
    assert "so a token is needed" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        (
            "OPTOSCOPE_DATABASE_URL",
            "mysql://me:hidden@host/x",
            r"'mysql://me:\*\*\*@host/x' is not",
        ),
        ("OPTOSCOPE_DATA_DIR", "", "it is empty; write the path"),
        ("OPTOSCOPE_DEVICE", " ", "it is empty"),
        ("OPTOSCOPE_COHORT_SIZE", "", "valid integer"),
        ("OPTOSCOPE_COHORT_SIZE", "0", "greater than or equal to 1"),
        ("OPTOSCOPE_LEASE_SECONDS", "-1", "greater than 0"),
        ("OPTOSCOPE_LOG_FORMAT", "xml", "'text' or 'json'"),
    ],
)
def test_settings_that_cannot_be_are_named_by_every_command(name, value, said, monkeypatch, capsys):
    monkeypatch.setenv("OPTOSCOPE_DATABASE_URL", "postgresql://me@127.0.0.1:1/x")
    monkeypatch.setenv("OPTOSCOPE_REDIS_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv(name, value)

    for command in (["web", "--port", "0"], ["migrate"], ["token", "list"]):
        assert cli.main(command) == 1
        said_of_it = capsys.readouterr().err
        assert re.search(f"^optoscope: {name} cannot be used: .*{said}", said_of_it), command


def test_a_worker_that_has_no_settings_says_which():
    done = subprocess.run(
        [sys.executable, "-c", "import worker.celery_app"],
        env={**os.environ, "OPTOSCOPE_DATABASE_URL": "postgresql://x", "OPTOSCOPE_REDIS_URL": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr == "optoscope: OPTOSCOPE_REDIS_URL cannot be used: it is empty.\n"
