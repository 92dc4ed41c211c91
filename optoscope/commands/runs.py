"""Commands about runs that are there: listed, shown, paused, ended."""

import argparse
from typing import Any, get_args

from optoscope.client import Client
from optoscope.commands.command import Act, Command
from optoscope.commands.printer import Printer
from optoscope.reading.answers import RunFacts, RunStateName
from optoscope.reading.words import duration, number, place

STATES = get_args(RunStateName)
USUAL_COUNT = 30


def _add_runs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "query",
        nargs="?",
        default="",
        help="words in name, notes or tags, and conditions: "
        "'state:finished min(loss.new_classes) < .1'",
    )
    parser.add_argument("--state", action="append", default=[], choices=STATES)
    parser.add_argument("--tag", action="append", default=[])
    parser.add_argument("--study", metavar="ID", help="only runs of this study")
    parser.add_argument("--view", metavar="NAME", help="of a view that was kept, in its order")
    parser.add_argument("--sort", help="by a column or an option; --sort=-NAME: descending")
    parser.add_argument("--limit", type=int, default=USUAL_COUNT, help="how many; 0: all")
    parser.add_argument("--deleted", action="store_true", help="those that can be restored")


def _runs(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    found = client.runs(
        given.query,
        state=given.state,
        tag=given.tag,
        study=given.study,
        view=given.view,
        sort=given.sort,
        deleted=given.deleted,
        limit=given.limit or None,
    )
    printer.rows([row_of(one.facts) for one in found], [one.facts for one in found])
    if len(found) == given.limit:
        printer.note(f"The first {given.limit}; there may be more: --limit 0 lists all.")
    return 0


def row_of(facts: RunFacts) -> dict[str, Any]:
    return {
        "id": facts.id,
        "state": facts.state,
        "done": f"{facts.progress:.0%}",
        "sequences": f"{facts.sequences:,}",
        "loss": number(facts.train_loss),
        "midpoint": place(facts.phase_change.midpoint),
        "name": facts.name,
    }


def add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", help="its id")


def _show(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    run = client.run(given.run)
    printer.one(_told(run.facts) | {"page": run.url}, run.facts)
    return 0


def _told(facts: RunFacts) -> dict[str, Any]:
    change = facts.phase_change
    return {
        "id": facts.id,
        "name": facts.name,
        "tags": ", ".join(facts.tags) or "–",
        "state": facts.state + (f": {facts.error_message}" if facts.error_message else ""),
        "sequences": f"{facts.sequences:,} of {facts.total_sequences:,} ({facts.progress:.0%})",
        "time left": duration(facts.seconds_left),
        "training loss": f"{number(facts.train_loss)} nats",
        "phase change": f"onset {place(change.onset)}, midpoint {place(change.midpoint)}, "
        f"end {place(change.end)}" + (", reversed" if change.reversal is not None else ""),
        "clamps": "; ".join(facts.description) or "none",
        "model": f"{facts.layers} layers of {facts.heads} heads, trained on {facts.dataset}",
        "device": f"{facts.device or '–'}, worker {facts.worker or '–'}",
        "created": f"{facts.created_at:%Y-%m-%d %H:%M} UTC",
    }


def _add_many(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("runs", nargs="+", metavar="RUN", help="ids")


def _act_on(name: str) -> Act:
    def act(given: argparse.Namespace, client: Client, printer: Printer) -> int:
        runs = [client.run(one) for one in given.runs]
        for run in runs:
            getattr(run, name)()
        printer.rows([row_of(one.facts) for one in runs], [one.facts for one in runs])
        return 0

    return act


def _delete(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    for one in given.runs:
        client.run(one).delete()
        printer.line(f"{one}  deleted; `undelete` takes it back")
    return 0


def _restore(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    deleted = client.runs(ids=given.runs, deleted=True)
    for run in deleted:
        run.restore()
    printer.rows([row_of(one.facts) for one in deleted], [one.facts for one in deleted])
    missing = {*given.runs} - {one.id for one in deleted}
    if missing:
        raise ValueError(f"Not among the deleted runs: {', '.join(sorted(missing))}.")
    return 0


COMMANDS = (
    Command("runs", _add_runs, _runs),
    Command("show", add_run, _show),
    Command("pause", _add_many, _act_on("pause")),
    Command("resume", _add_many, _act_on("resume")),
    Command("cancel", _add_many, _act_on("cancel")),
    Command("delete", _add_many, _delete),
    Command("undelete", _add_many, _restore),
)
