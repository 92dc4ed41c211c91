"""The command line of the client, up to what it asks of a server."""

import argparse
import re
import subprocess
import sys

import pytest

from optoscope.__main__ import SCIENCE
from optoscope.__main__ import main as command
from optoscope.commands import NAMES, main
from optoscope.commands.command import clamp_of, setting, values
from optoscope.commands.parser import ALL, parser
from optoscope.commands.printer import aligned
from optoscope.wire import connection

# What neither a notebook that asks for nothing else nor a command may wait for.
HEAVY = {"torch", "numpy", "pandas", "polars", "pyarrow", "plotly", "IPython", "fastapi"}
HEAVY |= {"sqlalchemy", "celery", "app", "worker"}
LOADS = "import sys; {what}; print(*(name for name in sys.modules if '.' not in name))"


def loaded(what: str) -> set[str]:
    """Which packages a process of its own has loaded."""
    command = [sys.executable, "-c", LOADS.format(what=what)]
    return {*subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()}


@pytest.mark.parametrize(
    "what", ["from optoscope import Client; Client()", "import optoscope.commands.parser"]
)
def test_the_client_and_its_commands_load_neither_server_nor_science(what):
    assert loaded(what) & HEAVY == set()


def test_what_servers_are_started_through_loads_nothing_of_the_client():
    """Images of servers lack what it needs."""
    found = loaded("import optoscope.__main__, optoscope.commands; optoscope.commands.NAMES")
    assert found & (HEAVY | {"httpx", "pydantic"}) == set()


def test_everything_that_the_package_names_is_there():
    import optoscope

    for name in optoscope.__all__:
        assert getattr(optoscope, name).__module__ == f"optoscope.{optoscope._HOMES[name]}"
    with pytest.raises(AttributeError, match="has no attribute 'Cleint'"):
        _ = optoscope.Cleint


def test_every_command_has_its_line_of_help():
    assert {command.name for command in ALL} == {*NAMES}
    text = parser().format_help()
    assert all(f"    {name}" in text for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_command_helps_itself(name, capsys):
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])

    assert ended.value.code == 0
    assert f"optoscope {name}" in capsys.readouterr().out


def test_settings_are_read_as_json_or_else_as_text():
    assert setting("sequences=600000") == ("sequences", 600_000)
    assert setting("learning_rate=1e-5") == ("learning_rate", 1e-5)
    assert setting("dataset=file:/data/a=b.npz") == ("dataset", "file:/data/a=b.npz")
    assert values("seed=5, 6,7") == ("seed", [5, 6, 7])
    assert values('clamps=[{"preset": "match"}]') == ("clamps", [{"preset": "match"}])
    with pytest.raises(argparse.ArgumentTypeError, match="NAME=VALUE"):
        setting("sequences")


def test_clamps_are_read_from_words_or_json():
    assert clamp_of("ablate L1H3.v") == {"kind": "ablate", "site": "L1H3.v"}
    assert clamp_of("set_pattern L1H3.pattern[query] target=induction strength=0.5") == {
        "kind": "set_pattern",
        "site": "L1H3.pattern[query]",
        "target": "induction",
        "strength": 0.5,
    }
    assert clamp_of('{"kind": "x"}') == {"kind": "x"}
    with pytest.raises(argparse.ArgumentTypeError, match="KIND SITE"):
        clamp_of("ablate")


def test_tables_stand_in_columns_with_numbers_flush_right():
    rows = [{"id": "a", "loss": "0.5"}, {"id": "bcd", "loss": "12.25"}]

    assert aligned(rows) == ["ID    LOSS", "a      0.5", "bcd  12.25"]
    assert aligned([]) == ["none"]


def test_what_cannot_be_done_is_one_sentence_and_a_status(monkeypatch, capsys):
    monkeypatch.setattr(connection, "PAUSES", ())
    assert main(["runs", "--url", "http://127.0.0.1:1"]) == 1
    assert capsys.readouterr().err.startswith("optoscope: http://127.0.0.1:1 does not answer")
    assert main(["launch", "--set", "sequnces=4", "--dry-run"]) == 1
    assert "did you mean 'sequences'" in capsys.readouterr().err
    with pytest.raises(SystemExit) as ended:
        main(["launch", "--config", "/nowhere.json"])
    assert ended.value.code == 2
    assert "/nowhere.json cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_shells_complete_every_command(shell, capsys):
    assert main(["completion", shell]) == 0

    said = capsys.readouterr().out
    assert all(name in said for name in NAMES)


def test_the_command_itself_completes_those_of_all_its_parts(capsys):
    assert command(["completion", "bash"]) == 0

    said = capsys.readouterr().out
    [names] = re.findall(r"^_shtab_optoscope_subparsers=\((.*)\)$", said, re.MULTILINE)
    assert {*names.split()} >= {*NAMES, *SCIENCE, "up", "backup"}
    assert "--least-free-mb" in said
