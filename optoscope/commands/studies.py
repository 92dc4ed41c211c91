"""Commands about studies."""

import argparse
from typing import Any

from optoscope.client import Client
from optoscope.commands.command import Command, acts_of, add_labels, json_file, values
from optoscope.commands.printer import Printer
from optoscope.reading.answers import StudyFacts
from optoscope.reading.words import duration, number, place
from optoscope.studies import StudyHandle


def _add(parser: argparse.ArgumentParser) -> None:
    act = acts_of(parser)
    _add_launch(act("launch", "a run for every combination of what varies"))
    act("list", "all studies, the newest first")
    for name, says in (
        ("show", "its runs, and what became of them"),
        ("wait", "until every run has ended"),
        ("cancel", "end its runs"),
        ("pause", "set its runs aside"),
        ("resume", "have its paused runs go on"),
    ):
        act(name, says).add_argument("study", metavar="STUDY", help="its id")


def _add_launch(parser: argparse.ArgumentParser) -> None:
    base = parser.add_mutually_exclusive_group()
    base.add_argument("--preset", help="what all have in common: an experiment, such as match")
    base.add_argument("--config", type=json_file, metavar="FILE", help="or a config")
    base.add_argument("--of", metavar="RUN", help="or the config of a run")
    parser.add_argument(
        "--axis",
        type=values,
        action="append",
        default=[],
        metavar="OPTION=A,B,...",
        help="what varies, such as seed=5,6,7; clamps take JSON; may be given again",
    )
    parser.add_argument("--zip", action="store_true", help="first with first, not all with all")
    add_labels(parser)
    parser.add_argument("--dry-run", action="store_true", help="only list and estimate")
    parser.add_argument("--wait", action="store_true", help="until every run has ended")


def _study(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    if given.what == "launch":
        return _launch(given, client, printer)
    if given.what == "list":
        found = client.studies()
        printer.rows([_row(one.facts) for one in found], [one.facts for one in found])
        return 0
    study = client.study_by_id(given.study)
    if given.what == "wait":
        return _wait(study, printer)
    if given.what != "show":
        getattr(study, given.what)()
    return _show(study, printer)


def _launch(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    base: Any = client.run(given.of) if given.of else given.preset or given.config
    said: Any = {"name": given.name, "tags": given.tag, "notes": given.notes}
    said["combine"] = "zip" if given.zip else "grid"
    axes = dict(given.axis)
    if given.dry_run:
        return _plan(client.plan_study(base, axes, **said), printer)
    study = client.study(base, axes, **said)
    return _wait(study, printer) if given.wait else _show(study, printer)


def _plan(plan: dict[str, Any], printer: Printer) -> int:
    if printer.as_json:
        printer.document(plan)
        return 0
    cost = plan["estimate"]
    for run in plan["runs"]:
        printer.line(f"{run['name']}  {'there already' if run['reuses'] else 'new'}")
    printer.line(f"{cost['new_runs']} new runs, about {duration(cost['seconds'])}.")
    return 0


def _wait(study: StudyHandle, printer: Printer) -> int:
    while not study.facts.progress.is_over:
        course = study.facts.progress
        left = duration(course.seconds_left)
        printer.bar(course.progress, f"{course.runs} runs, {left} left")
        try:
            study.wait(timeout=1)
        except TimeoutError:
            continue
    printer.clear()
    _show(study, printer)
    return 0 if {*study.facts.progress.by_state} <= {"finished"} else 1


def _show(study: StudyHandle, printer: Printer) -> int:
    facts = study.refresh().facts
    if printer.as_json:
        printer.document(facts.model_dump(mode="json"))
        return 0
    printer.line(f"{facts.id}  {facts.name}  {study.url}")
    rows = [
        {
            "id": run.id,
            "state": run.state,
            "done": f"{run.progress:.0%}",
            "loss": number(run.train_loss),
            "midpoint": place(run.midpoint),
            "name": run.name,
        }
        for run in facts.runs
    ]
    printer.rows(rows, facts.runs)
    return 0


def _row(facts: StudyFacts) -> dict[str, Any]:
    course = facts.progress
    return {
        "id": facts.id,
        "state": course.state,
        "done": f"{course.progress:.0%}",
        "runs": course.runs,
        "name": facts.name,
    }


COMMANDS = (Command("study", _add, _study, has_server_options=False),)
