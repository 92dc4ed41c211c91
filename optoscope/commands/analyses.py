"""Commands about analyses."""

import argparse
from typing import Any

from optoscope.analyses import AnalysisHandle
from optoscope.client import Client
from optoscope.commands.command import Command, acts_of, setting
from optoscope.commands.printer import Printer, aligned
from optoscope.reading.answers import AnalysisFacts


def _add(parser: argparse.ArgumentParser) -> None:
    act = acts_of(parser)
    listed = act("list", "what was asked, the newest first")
    listed.add_argument("--run", metavar="RUN", help="only of this run")
    act("kinds", "what can be asked")
    ask = act("ask", "ask a question about a run's saved weights")
    ask.add_argument("run", metavar="RUN")
    ask.add_argument("kind", metavar="KIND", help="as `analyses kinds` lists them")
    ask.add_argument(
        "--set", type=setting, action="append", default=[], metavar="NAME=VALUE", help="in JSON"
    )
    ask.add_argument("--wait", action="store_true", help="for the answer, and show it")
    result = act("result", "what was found, as a table")
    result.add_argument("analysis", metavar="ANALYSIS", help="its id")
    cancel = act("cancel", "end it; what was found stays")
    cancel.add_argument("analysis", metavar="ANALYSIS", help="its id")


def _analyses(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    if given.what == "kinds":
        return _kinds(client, printer)
    if given.what == "list":
        found = client.run(given.run).analyses() if given.run else client.analyses()
        printer.rows([_row(one.facts) for one in found], [one.facts for one in found])
        return 0
    if given.what == "ask":
        return _ask(given, client, printer)
    analysis = client.analysis(given.analysis)
    if given.what == "cancel":
        printer.one(_row(analysis.cancel().facts), analysis.facts)
        return 0
    return _result(analysis, printer)


def _kinds(client: Client, printer: Printer) -> int:
    kinds = client.analysis_kinds()
    if printer.as_json:
        printer.document(kinds)
        return 0
    for kind in kinds:
        printer.line(f"{kind['kind']}: {kind['summary']}")
    return 0


def _ask(given: argparse.Namespace, client: Client, printer: Printer) -> int:
    analysis = client.run(given.run).analyse(given.kind, **dict(given.set))
    if not given.wait:
        printer.one(_row(analysis.facts), analysis.facts)
        return 0
    while not analysis.facts.is_terminal:
        facts = analysis.facts
        printer.bar(facts.done / (facts.total or 1), f"{facts.done} of {facts.total} parts")
        try:
            analysis.wait(timeout=1)
        except TimeoutError:
            continue
    printer.clear()
    return _result(analysis, printer)


def _result(analysis: AnalysisHandle, printer: Printer) -> int:
    if printer.as_json:
        printer.document(analysis.result())
    else:
        columns = analysis.table().columns
        lines = zip(*columns.values(), strict=True)
        rows = [dict(zip(columns, map(_cell, line), strict=True)) for line in lines]
        for line in aligned(rows):
            printer.line(line)
    return 0 if analysis.state == "finished" else 1


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _row(facts: AnalysisFacts) -> dict[str, Any]:
    return {
        "id": facts.id,
        "run": facts.run_id,
        "state": facts.state + (f": {facts.error_message}" if facts.error_message else ""),
        "parts": f"{facts.done} of {facts.total or '?'}",
        "kind": facts.kind,
    }


SAYS = "Questions about the weights that runs have saved, over all sequences of their task."
COMMANDS = (Command("analyses", _add, _analyses, SAYS, has_server_options=False),)
