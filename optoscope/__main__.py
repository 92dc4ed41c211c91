"""The command `optoscope`: hands each of its commands to the part of the program that has it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress

from optoscope import commands, program

Main = Callable[[list[str]], int]

# Of `python -m worker`, which is there in a checkout only. A test holds the names.
SCIENCE = {
    "train": "train one run",
    "evaluate": "clamp a model on given sequences",
    "exhaustive": "measure a model on all sequences",
    "replay": "train on exactly the given batches",
    "toy": "train the three-vector toy model",
    "gpucheck": "check and time training on a GPU",
    "bench": "measure how fast this machine trains",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what the command line says; the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    program.put_on_path()
    if not given or given[0] in ("-h", "--help"):
        return _help()
    return _part_of(given[0])(given)


def _part_of(command: str) -> Main:
    """What does the command. Each loads only what it needs: torch takes seconds."""
    if command == "completion":
        return _complete
    if command in commands.NAMES:
        return commands.main
    if command in SCIENCE:
        from worker.__main__ import main as science

        return lambda given: science(given, prog="optoscope")
    from app.cli import main as server

    return server


def _complete(given: list[str]) -> int:
    """What a shell needs to complete the commands of all parts. Of the science only their names:
    some ask for this whenever a shell starts, and torch takes seconds."""
    from app.cli import _parser as server

    science = argparse.ArgumentParser()
    names = science.add_subparsers()
    for name, said in SCIENCE.items():
        names.add_parser(name, help=said)
    return commands.main(given, [server(), science])


def _help() -> int:
    """All commands, each beside those of its part."""
    with suppress(SystemExit):  # how a parser ends that has printed its help
        _part_of("")(["--help"])
    for title, names in (("of a running server", commands.NAMES), ("without any server", SCIENCE)):
        lines = (f"  {name:<12} {said}" for name, said in names.items())
        sys.stdout.write("\n".join(["", f"{title}:", *lines, ""]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
