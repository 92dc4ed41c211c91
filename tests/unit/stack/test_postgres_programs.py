"""Which Postgres `optoscope up` starts: that of its wheel, or another that is named."""

import os

import pytest

from app.stack.servers.account import server_account
from app.stack.servers.postgres_programs import MAJOR, OVERRIDE, postgres_programs
from app.stack.trouble import StackError


def test_programs_that_are_named_are_used_and_say_their_version(monkeypatch):
    account = server_account()
    of_the_wheel = postgres_programs(account)
    monkeypatch.setenv(OVERRIDE, str(of_the_wheel.folder))

    assert postgres_programs(account).folder.samefile(of_the_wheel.folder)
    assert postgres_programs(account).major == MAJOR  # said by the program, when it is named


def folder_with(tmp_path, version: str):
    for name in ("postgres", "initdb"):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{name} (PostgreSQL) {version}'\n")
        (tmp_path / name).chmod(0o755)
    tmp_path.chmod(0o755)
    return tmp_path


@pytest.mark.parametrize(
    ("version", "sentence"),
    [
        ("15.9 (Debian 15.9-1)", "has Postgres 15; Optoscope needs 17 or newer"),
        ("", "does not say"),
    ],
)
def test_those_that_will_not_do_are_refused_with_a_sentence(
    tmp_path, monkeypatch, version, sentence
):
    monkeypatch.setenv(OVERRIDE, str(folder_with(tmp_path, version)))

    with pytest.raises(StackError, match=sentence):
        postgres_programs(None)


def test_a_folder_without_them_is_told_with_the_way_to_find_it(tmp_path, monkeypatch):
    monkeypatch.setenv(OVERRIDE, str(tmp_path / "nowhere"))

    with pytest.raises(StackError, match=r"has no program postgres.*pg_config --bindir"):
        postgres_programs(None)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Postgres runs as another user")
def test_a_folder_that_roots_postgres_cannot_enter_is_told(tmp_path, monkeypatch):
    folder = folder_with(tmp_path, "18.1")
    folder.chmod(0o700)
    monkeypatch.setenv(OVERRIDE, str(folder))

    with pytest.raises(StackError, match="which nobody cannot read"):
        postgres_programs(server_account())
