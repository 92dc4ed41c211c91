"""`python -m tests.paper_document URL`: what a running program has made of the paper's figures, to
docs/paper.md: our numbers beside the published ones, and whether the paper's claims hold.

What is between the two marks of that page is written anew; what was not made is said to be missing.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx

PAGE = Path(__file__).resolve().parents[1] / "docs" / "paper.md"
BEGIN, END = "<!-- results: begin -->", "<!-- results: end -->"
SIGNIFICANT = 4  # digits
VERDICTS = {True: "holds", False: "**does not hold**", None: "not known"}
Figure = dict[str, Any]


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the page; 1 if the program does not answer."""
    parser = argparse.ArgumentParser(prog="python -m tests.paper_document")
    parser.add_argument("url", help="such as http://127.0.0.1:8000")
    parser.add_argument("--said", default="", help="a sentence about the machine and the session")
    given = parser.parse_args(arguments)
    try:
        with httpx.Client(base_url=f"{given.url}/api/v1/figures", timeout=60) as client:
            listed = client.get("/paper").raise_for_status().json()["figures"]
            paths = [f"/paper/{one['id']}" for one in listed]
            figures = [client.get(path).raise_for_status().json() for path in paths]
    except httpx.HTTPError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    text = PAGE.read_text()
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    lines = [BEGIN, "", *([given.said, ""] if given.said else []), *document(figures), END]
    PAGE.write_text(before + "\n".join(lines) + after)
    return 0


def document(figures: Sequence[Figure]) -> Iterator[str]:
    """All figures that are made here, in the order of the paper."""
    yield from _summary(figures)
    for figure in figures:
        if figure["needs"] in ("training", "analyses"):
            yield from _figure(figure)


def _summary(figures: Sequence[Figure]) -> Iterator[str]:
    claims = [claim for figure in figures for claim in figure["claims"]]
    counts = {verdict: sum(one["holds"] is verdict for one in claims) for verdict in VERDICTS}
    yield (
        f"Of {len(claims)} claims {counts[True]} hold, {counts[False]} do not, and {counts[None]} "
        "are not known."
    )
    yield ""


def _figure(figure: Figure) -> Iterator[str]:
    yield f"### {figure['name']}: {figure['title']}"
    yield ""
    if figure["state"] != "ready":
        yield f"Not made to its end: {figure['state']}."
        yield ""
        return
    yield from _claims(figure["claims"])
    for table in figure["tables"]:
        if table["is_compared"]:
            yield from _table(table)
    yield from _curves(figure["deviations"])


def _claims(claims: Sequence[Figure]) -> Iterator[str]:
    if not claims:
        return
    yield "| claim | here | by |"
    yield "| --- | --- | --- |"
    for claim in claims:
        yield f"| {claim['text']} | {VERDICTS[claim['holds']]} | {claim['figures']} |"
    yield ""


def _table(table: Figure) -> Iterator[str]:
    yield f"{table['title']} ({table['unit']}; published: {table['had']})"
    yield ""
    yield f"| {' | '.join(table['columns'])} |"
    yield f"| --- |{' ---: |' * (len(table['columns']) - 1)}"
    for row in table["rows"]:
        yield f"| {' | '.join(map(_cell, row))} |"
    yield ""


def _curves(deviations: Sequence[Figure]) -> Iterator[str]:
    """Crossings, which say most; of figures without any, losses."""
    crossings = [one for one in deviations if one["what"].startswith("falls below")]
    shown = crossings or deviations
    if not shown:
        return
    yield "| curve | | ours | paper, Omniglot | ours / paper |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for one in shown:
        numbers = (_place(one["ours"]), _place(one["published"]), _cell(one["ratio"]))
        yield f"| {one['line']} | {one['what']} | {' | '.join(numbers)} |"
    yield ""


def _place(number: float | None) -> str:
    return f"{number:,.0f}" if number is not None and number > 100 else _cell(number)


def _cell(cell: object) -> str:
    if cell is None:
        return "–"
    return f"{cell:.{SIGNIFICANT}g}" if isinstance(cell, float) else str(cell)


if __name__ == "__main__":
    sys.exit(main())
