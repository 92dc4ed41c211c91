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
    printer.line(library("shtab").complete(given.parser, shell=given.shell))
    return 0


SAYS = (
    "Writes the completion of every command: `optoscope completion bash > "
    "~/.local/share/bash-completion/completions/optoscope`, `optoscope completion zsh > "
    "DIRECTORY/_optoscope` with a directory of $fpath."
)
COMMAND = Command("completion", _add, _complete, SAYS, has_server_options=False)
