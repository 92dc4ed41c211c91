"""The command `optoscope`: which part of the program does what."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from optoscope import __main__ as command
from optoscope import program
from worker.__main__ import parser


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Where this process looks for packages, and what it tells those that it starts."""
    path, environment = list(sys.path), dict(os.environ)
    yield
    sys.path[:] = path
    os.environ.clear()
    os.environ.update(environment)


def test_help_lists_what_every_part_does(capsys):
    assert command.main(["--help"]) == 0

    said = capsys.readouterr().out
    for name in ("up", "web", "backup", "train", "toy"):
        assert f"\n  {name} " in said or f"\n    {name} " in said


def test_commands_of_the_science_are_those_of_its_parser():
    [commands] = [one for one in parser("optoscope")._actions if one.choices]

    assert set(command.SCIENCE) == set(commands.choices)


@pytest.mark.parametrize("arguments", [["up", "--help"], ["toy", "--help"]])
def test_help_of_a_command_names_the_program(capsys, arguments):
    with pytest.raises(SystemExit):
        command.main(arguments)

    assert capsys.readouterr().out.startswith(f"usage: optoscope {arguments[0]}")


def test_processes_of_the_program_find_its_parts_first(tmp_path, monkeypatch):
    """In a folder that has an `app`, and whatever PYTHONPATH says."""
    (tmp_path / "app.py").write_text("raise SystemExit('not ours')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    program.put_on_path()
    program.put_on_path()  # again, as by a process that such a one has started

    where = [sys.executable, "-c", "import app; print(app.__file__)"]
    found = subprocess.run(where, cwd=tmp_path, capture_output=True, text=True, check=True)

    assert found.stdout.startswith(str(program.place()))
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(program.place()), str(tmp_path)]


def test_importing_the_package_loads_neither_server_nor_science():
    forbidden = ["app", "worker", "torch", "numpy", "fastapi", "sqlalchemy", "celery"]
    code = f"import optoscope, sys; print([name for name in {forbidden} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
