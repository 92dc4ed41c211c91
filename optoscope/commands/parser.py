"""The command line: its parser, and what becomes of what goes wrong."""

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress

from optoscope.client import Client
from optoscope.commands import (
    NAMES,
    analyses,
    completion,
    export,
    follow,
    launch,
    runs,
    studies,
    trackers,
)
from optoscope.commands.command import Command, server_options
from optoscope.commands.printer import Printer
from optoscope.wire.errors import OptoscopeError

ALL: tuple[Command, ...] = (
    *runs.COMMANDS,
    *launch.COMMANDS,
    *follow.COMMANDS,
    *export.COMMANDS,
    *trackers.COMMANDS,
    *studies.COMMANDS,
    *analyses.COMMANDS,
    completion.COMMAND,
)
INTERRUPTED = 130  # as shells say it of what Ctrl-C ended


def run(arguments: list[str] | None = None, beside: Sequence[argparse.ArgumentParser] = ()) -> int:
    """Does what the command line says; the exit status."""
    given = parser().parse_args(arguments)
    given.beside = beside
    try:
        return _act(given)
    except (OptoscopeError, ImportError, OSError, ValueError) as error:
        return _complain(error)
    except KeyboardInterrupt:
        return INTERRUPTED


def parser() -> argparse.ArgumentParser:
    """What the command line takes."""
    made = argparse.ArgumentParser(
        prog="optoscope", description="Commands that talk to a server of Optoscope."
    )
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    by_name = {command.name: command for command in ALL}
    for name, says in NAMES.items():
        command = by_name[name]
        parents = [server_options()] if command.has_server_options else []
        sub = commands.add_parser(
            name, help=says, description=command.says or None, parents=parents
        )
        command.add(sub)
        sub.set_defaults(act=command.act, parser=made)
    return made


def _act(given: argparse.Namespace) -> int:
    printer = Printer(as_json=getattr(given, "json", False))
    if not hasattr(given, "url"):
        return int(given.act(given, None, printer))
    with Client(given.url, token_file=given.token_file) as client:
        return int(given.act(given, client, printer))


def _complain(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):  # nobody reads any more: `optoscope runs | head`
        with suppress(OSError):
            sys.stdout.close()
        return 0
    sys.stderr.write(f"optoscope: {error}\n")
    return 1
