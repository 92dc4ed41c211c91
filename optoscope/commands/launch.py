"""Commands that launch runs: new ones, and forks."""

import argparse
from typing import Any

from optoscope.client import Client
from optoscope.commands.command import (
    Command,
    add_clamps,
    add_labels,
    json_file,
    setting,
)
from optoscope.commands.follow import watch
from optoscope.commands.printer import Printer
from optoscope.commands.runs import add_run
from optoscope.options import merged
from optoscope.reading.words import duration
from optoscope.runs import RunHandle


def _add_launch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--preset", help="an experiment to start from, such as match")
    parser.add_argument(
        "--config",
        type=json_file,
        metavar="FILE",
        help="a config, as `show`'s page or the API has it",
    )
    add_clamps(parser)
    parser.add_argument(
        "--set",
        type=setting,
        action="append",
        default=[],
        metavar="OPTION=VALUE",
        help="such as sequences=600000 or seeds.data=7; may be given again",
    )
    add_labels(parser)
    parser.add_argument("--priority", type=int, default=0, help="the highest is trained first")
    parser.add_argument("--dry-run", action="store_true", help="only check, describe and estimate")
    parser.add_argument("--follow", action="store_true", help="watch it to its end")


def _launch(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    config = merged(given.config or {}, dict(given.set))
    what: Any = {"preset": given.preset, "config": config, "clamps": given.clamp}
    if given.dry_run:
        return _plan(client.plan(**what), printer)
    labels = {"name": given.name, "tags": given.tag, "notes": given.notes}
    run = client.launch(**what, **labels, priority=given.priority)
    return _started(run, printer, follow=given.follow)


def _plan(plan: dict[str, Any], printer: Printer) -> int:
    if printer.as_json:
        printer.document(plan)
        return 0
    cost = plan["estimate"]
    for sentence in plan["description"] or ["Nothing is clamped."]:
        printer.line(sentence)
    printer.line(f"About {duration(cost['seconds'])} ({cost['based_on']}).")
    return 0


def _started(run: RunHandle, printer: Printer, *, follow: bool) -> int:
    if follow:
        return watch(run, printer)
    if printer.as_json:
        printer.document(run.facts.model_dump(mode="json"))
    else:
        printer.line(f"{run.id}  {run.url}")
    return 0


def _add_fork(parser: argparse.ArgumentParser) -> None:
    add_run(parser)
    parser.add_argument("--at", type=int, required=True, help="sequences of one of its checkpoints")
    add_clamps(parser)
    parser.add_argument("--no-clamps", action="store_true", help="none at all")
    parser.add_argument("--reset-optimiser", action="store_true", help="Adam begins anew")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--data-seed", type=int, help="other sequences from the fork on")
    parser.add_argument("--until", type=int, help="where training ends, from the first sequence on")
    add_labels(parser)
    parser.add_argument("--follow", action="store_true", help="watch it to its end")


def _fork(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    fork = client.run(given.run).fork(
        given.at,
        clamps=[] if given.no_clamps else given.clamp,
        optimiser="reset" if given.reset_optimiser else "keep",
        learning_rate=given.learning_rate,
        data_seed=given.data_seed,
        until=given.until,
        name=given.name,
        tags=given.tag,
        notes=given.notes,
    )
    return _started(fork, printer, follow=given.follow)


COMMANDS = (
    Command("launch", _add_launch, _launch),
    Command("fork", _add_fork, _fork),
)
