"""Commands that watch a run: its points as they come, and its log."""

import argparse
import json
import math
import sys
from typing import Any

from optoscope.client import Client
from optoscope.commands.command import Command
from optoscope.commands.printer import Printer
from optoscope.commands.runs import add_run
from optoscope.reading.points import MeasuredPoint
from optoscope.reading.words import duration
from optoscope.runs import RunHandle


def _add_follow(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--after", type=int, default=-1, help="only what lies past these sequences")


def _follow(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    return watch(client.run(given.run), printer, given.after)


def watch(run: RunHandle, printer: Printer, after: int = -1) -> int:
    """Follows it to its end: a bar on a terminal, a line a point elsewhere."""
    for point in run.follow(after):
        if printer.as_json:
            printer.line(json.dumps(_said(point)))
        elif not sys.stdout.isatty():
            printer.line(f"{point.sequences}\t{point.loss:.6f}")
        facts = run.facts
        share = point.sequences / facts.total_sequences
        printer.bar(share, f"loss {point.loss:.4f}  {duration(facts.seconds_left)} left")
    printer.clear()
    if not printer.as_json:
        printer.line(repr(run).strip("<>"))
    return 0 if run.facts.state == "finished" else 1


def _said(point: MeasuredPoint) -> dict[str, Any]:
    moment = {"computed_at": point.computed_at.isoformat()}
    said = {"sequences": point.sequences, "elapsed_seconds": point.elapsed_seconds} | moment
    # JSON has no word for what is not finite.
    return said | {name: one if math.isfinite(one) else None for name, one in point.numbers.items()}


def _add_logs(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--tail", type=int, default=200, metavar="N", help="lines, from the end")


def _logs(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    lines = client.run(given.run).log(given.tail)
    if printer.as_json:
        printer.document(lines)
        return 0
    for line in lines:
        printer.line(line)
    return 0


COMMANDS = (
    Command("follow", _add_follow, _follow),
    Command("logs", _add_logs, _logs),
)
