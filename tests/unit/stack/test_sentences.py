"""What people read when something is missing or in the way."""

import shutil
from pathlib import Path

import pytest

from app import cli
from app.stack import compiler
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


def test_a_missing_compiler_is_named_with_a_remedy(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")

    sentence = compiler.compiler_warning()

    assert sentence is not None
    assert sentence.startswith("There is no C++ compiler (no-such-compiler): runs are trained")
    assert "To get it: " in sentence


def test_missing_headers_are_named(monkeypatch, tmp_path):
    monkeypatch.setenv("CXX", "sh")
    monkeypatch.setattr(compiler.sysconfig, "get_path", lambda _: str(tmp_path))

    assert str(tmp_path / "Python.h") in (compiler.compiler_warning() or "")


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
