"""The command that writes what a shell needs to complete the others."""

import argparse
from typing import Any

from optoscope.commands.command import Command
from optoscope.commands.printer import Printer
from optoscope.reading.libraries import library

SHELLS = ("bash", "zsh", "tcsh")


def _add(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", choices=SHELLS)


def _complete(given: argparse.Namespace, client: Any, printer: Printer) -> int:
    for other in given.beside:
        _take_in(given.parser, other)
    printer.line(library("shtab").complete(given.parser, shell=given.shell))
    return 0


def _take_in(parser: argparse.ArgumentParser, other: argparse.ArgumentParser) -> None:
    """Makes the other's commands some of this one's: a shell knows one `optoscope`."""
    ours, theirs = _commands(parser), _commands(other)
    said = {one.dest: one.help for one in theirs._get_subactions()}
    for name, command in theirs.choices.items():
        ours.add_parser(name, help=said.get(name), parents=[command], add_help=False)


def _commands(parser: argparse.ArgumentParser) -> Any:
    return next(one for one in parser._actions if isinstance(one, argparse._SubParsersAction))


SAYS = (
    "Writes the completion of every command: `optoscope completion bash > "
    "~/.local/share/bash-completion/completions/optoscope`, `optoscope completion zsh > "
    "DIRECTORY/_optoscope` with a directory of $fpath."
)
COMMAND = Command("completion", _add, _complete, SAYS, has_server_options=False)
