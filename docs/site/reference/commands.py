"""The command lines, from their parsers."""

import argparse
from collections.abc import Iterator

from app.cli import _parser as server_parser
from optoscope.commands import NAMES
from optoscope.commands.parser import parser as client_parser
from reference.markdown import cell, code, table
from worker.__main__ import parser as worker_parser

_OF_THE_MACHINE = {"workers", "processes"}  # defaults that are counted where the program runs


def commands() -> str:
    """Every command of `optoscope`, those last that need no server."""
    parts = [*_of(server_parser(), 2), *_of_clients(2), *_of(worker_parser("optoscope"), 2)]
    return "\n\n".join(parts)


def _of_clients(depth: int) -> Iterator[str]:
    """Those of `optoscope` that talk to a server; they have a parser of their own."""
    yield f"{'#' * depth} Commands that talk to a server"
    yield "Of runs, studies and analyses: [From Python, and from a shell](../client.md)."
    below = _subparsers(client_parser())
    assert below is not None
    for name, one in below.choices.items():
        yield from _of(one, depth + 1, NAMES[name])


def _of(parser: argparse.ArgumentParser, depth: int, help: str = "") -> Iterator[str]:
    """A command, and those below it. `help`: what the command above says of it."""
    yield f"{'#' * depth} {parser.prog}"
    yield _described(parser) or _sentence(help)
    below = _subparsers(parser)
    if below is None:
        yield f"```text\n{_usage(parser)}\n```"
    yield table(("option", "default", "what it is"), _rows(parser))
    if below is not None:
        said = {action.dest: action.help or "" for action in below._get_subactions()}
        for name, one in below.choices.items():
            yield from _of(one, depth + 1, said.get(name, ""))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words else ""


def _described(parser: argparse.ArgumentParser) -> str:
    text = (parser.description or "").strip()
    is_laid_out = parser.formatter_class is argparse.RawDescriptionHelpFormatter
    return f"```text\n{text}\n```" if text and is_laid_out else text


def _usage(parser: argparse.ArgumentParser) -> str:
    formatter = argparse.HelpFormatter(parser.prog, width=88)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    return formatter.format_help().strip()


def _subparsers(
    parser: argparse.ArgumentParser,
) -> "argparse._SubParsersAction[argparse.ArgumentParser] | None":
    found = (one for one in parser._actions if isinstance(one, argparse._SubParsersAction))
    return next(found, None)


def _rows(parser: argparse.ArgumentParser) -> Iterator[tuple[str, str, str]]:
    for action in parser._actions:
        if not isinstance(action, (argparse._SubParsersAction, argparse._HelpAction)):
            yield _called(action), code(_default(action)), cell(action.help or "")


def _called(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f" {_value(action)}"
    return ", ".join(code(f"{name}{value}") for name in action.option_strings) or code(
        _value(action)
    )


def _value(action: argparse.Action) -> str:
    if action.choices is not None and not action.metavar:
        return " | ".join(map(str, action.choices))
    return str(action.metavar or (action.dest.upper() if action.option_strings else action.dest))


def _default(action: argparse.Action) -> str:
    nothing = (None, False, "", argparse.SUPPRESS)
    if action.dest in _OF_THE_MACHINE or action.default in nothing or action.required:
        return ""
    default = action.default
    return ",".join(default) if isinstance(default, tuple) else str(default)
