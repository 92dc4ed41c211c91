"""What a command is, and how its arguments are read."""

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optoscope.client import Client
from optoscope.commands.printer import Printer
from optoscope.wire.settings import LOCAL

Act = Callable[[argparse.Namespace, Client, Printer], int]


@dataclass(frozen=True)
class Command:
    """A command: its name, what it takes, what it does.

    `act` returns the exit status. `says`: what its help begins with. `has_server_options`: not of
    a command that needs no server, or whose acts have them.
    """

    name: str
    add: Callable[[argparse.ArgumentParser], None]
    act: Act
    says: str = ""
    has_server_options: bool = True


def server_options() -> argparse.ArgumentParser:
    """What every command takes that talks to a server; for `parents=`."""
    parser = argparse.ArgumentParser(add_help=False)
    server = parser.add_argument_group("server")
    server.add_argument("--url", help=f"its address; else OPTOSCOPE_URL, or {LOCAL}")
    # Not the token itself: other users of the machine see what a command is called with.
    server.add_argument(
        "--token-file", metavar="FILE", help="what lets one in; else OPTOSCOPE_TOKEN, or its _FILE"
    )
    server.add_argument("--json", action="store_true", help="for programs, in place of a table")
    return parser


def acts_of(parser: argparse.ArgumentParser) -> Callable[[str, str], argparse.ArgumentParser]:
    """What makes the parsers of a command's acts, by name and help."""
    acts = parser.add_subparsers(dest="what", required=True, metavar="ACT")

    def make(name: str, says: str) -> argparse.ArgumentParser:
        return acts.add_parser(name, help=says, parents=[server_options()])

    return make


def value_of(text: str) -> Any:
    """`5`, `1e-5`, `true`, `[1, 2]` as JSON; anything else as text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def setting(text: str) -> tuple[str, Any]:
    """`NAME=VALUE`."""
    name, separator, value = text.partition("=")
    if not separator or not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is no setting; write NAME=VALUE")
    return name.strip(), value_of(value)


def values(text: str) -> tuple[str, list[Any]]:
    """`NAME=A,B,C`, or `NAME=[...]` as JSON."""
    name, value = setting(text)
    if isinstance(value, list):
        return name, value
    parts = text.partition("=")[2].split(",")
    return name, [value_of(part.strip()) for part in parts]


def clamp_of(text: str) -> dict[str, Any]:
    """`ablate L1H3.v`, `set_pattern L1H3.pattern[query] target=induction`, or a JSON object."""
    found = value_of(text)
    if isinstance(found, dict):
        return found
    kind, *rest = text.split()
    if not rest:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no clamp; write 'KIND SITE [SETTING=VALUE ...]', such as 'ablate L1H3.v'"
        )
    return {"kind": kind, "site": rest[0], **dict(map(setting, rest[1:]))}


def json_file(path: str) -> dict[str, Any]:
    """An object of a JSON file."""
    try:
        found = json.loads(Path(path).read_text())
    except (OSError, ValueError) as error:
        raise argparse.ArgumentTypeError(f"{path} cannot be read: {error}") from None
    if not isinstance(found, dict):
        raise argparse.ArgumentTypeError(f"{path} holds no JSON object")
    return found


def add_labels(parser: argparse.ArgumentParser) -> None:
    """Name, tags and notes of what is launched."""
    parser.add_argument("--name", default="", help="what to call it")
    parser.add_argument("--tag", action="append", default=[], help="may be given again")
    parser.add_argument("--notes", default="", help="text about it")


def add_clamps(parser: argparse.ArgumentParser) -> None:
    """Clamps, one an argument."""
    parser.add_argument(
        "--clamp",
        type=clamp_of,
        action="append",
        metavar="'KIND SITE ...'",
        help="such as 'ablate L1H3.v'; may be given again (docs/clamps.md has all)",
    )
