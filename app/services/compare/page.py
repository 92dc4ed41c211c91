"""The page of comparisons: the chosen runs, their curves, a legend with numbers, what differs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.schemas.api.limits import MOST_RUNS
from app.schemas.measure import Bracket
from app.schemas.query.tree import words_alone
from app.schemas.state import TERMINAL, RunState
from app.schemas.words import head_name
from app.services.charts.curves import DrawnNumber
from app.services.charts.style import INK, Figure
from app.services.colours import distinct_colours
from app.services.compare.beside import Beside, beside_of
from app.services.compare.comparison import Chosen, Comparison, choose, choose_all, compare
from app.services.compare.differences import MOST_COLUMNS, Differences
from app.services.compare.figures import compare_figure
from app.services.compare.series import ComparedRun, choices
from app.services.compare.table import csv_name
from app.services.compare.view import (
    ALIGNMENTS,
    USUAL,
    VIEWS,
    CompareView,
    address_of,
    check,
    query_of,
    settled,
)
from app.services.runs_list.listing import Filter, list_runs
from app.services.wording import between, fixed, nats, short

USUAL_COLUMNS = 4
FOUND = 12  # runs offered at once
INSTEAD = "What is usual is shown instead."


@dataclass(frozen=True)
class ChosenRow:
    """A run that is compared."""

    id: str
    name: str
    colour: str
    state: RunState
    sequences: str
    midpoint: str
    without_url: str


@dataclass(frozen=True)
class LegendRow:
    """A curve, or a group of curves, in the legend."""

    number: int
    key: str
    label: str
    url: str
    hue: str
    dash: str
    detail: str
    last: str
    at: str
    is_hidden: bool


@dataclass(frozen=True)
class LeftOut:
    """A run that cannot be drawn here."""

    name: str
    url: str
    reason: str


@dataclass(frozen=True)
class FoundRun:
    """A run that could be compared, too."""

    id: str
    name: str
    colour: str
    state: RunState
    with_url: str


@dataclass(frozen=True)
class ComparePage:
    """Context of `compare/page.html`."""

    view: CompareView
    notices: Sequence[str]
    chosen: Sequence[ChosenRow]
    legend: Sequence[LegendRow]
    left_out: Sequence[LeftOut]
    series: dict[str, dict[str, str]]
    groups: dict[str, str]
    alignments: dict[str, str]
    views: dict[str, str]
    value_title: str
    beside: Beside | None  # of two runs
    differences: Differences
    is_transposed: bool
    words: str
    found: Sequence[FoundRun]
    is_live: bool
    note: str
    csv_url: str
    report_url: str
    board_url: str
    outcomes_csv_url: str
    page_data: dict[str, Any]


def read_compare_figure(session: Session, view: CompareView, columns: int) -> Figure:
    """The figure of a comparison, for the API: whatever cannot be is an error."""
    return compare_figure(read_comparison(session, view), columns)


def read_comparison(session: Session, view: CompareView) -> Comparison:
    """What a view shows. `NotFound` or `Invalid` if it cannot be."""
    chosen = choose_all(session, view.runs)
    check(view, chosen.groups, chosen.ids)
    return compare(session, chosen, view)


def compare_page(
    session: Session, view: CompareView, *, words: str, columns: int, is_whole: bool = True
) -> ComparePage:
    """The page; what of its address cannot be is said and set to what is usual. `is_whole`: with
    what does not change with the view."""
    asked = view.runs
    chosen = choose(session, asked[:MOST_RUNS])
    view, faults = settled(replace(view, runs=tuple(chosen.ids)), chosen.groups, chosen.ids)
    comparison = compare(session, chosen, view)
    figure = compare_figure(comparison, columns)
    hues = distinct_colours(_with_colours(chosen))
    return ComparePage(
        view=view,
        notices=[*said_missing(chosen, len(asked)), *(f"{one} {INSTEAD}" for one in faults)],
        chosen=[
            _chosen_row(one, view, hues[one.run.id], comparison.midpoints.get(one.run.id))
            for one in chosen.runs
        ],
        legend=_legend(comparison, figure),
        left_out=_left_out(comparison),
        series=choices(chosen.runs),
        groups=chosen.groups,
        alignments=ALIGNMENTS,
        views=VIEWS,
        value_title=value_title(comparison),
        beside=beside_of(session, chosen, hues) if is_whole else None,
        differences=chosen.differences,
        is_transposed=len(chosen.runs) > MOST_COLUMNS,
        words=words,
        found=_found(session, view, chosen, words),
        is_live=any(one.run.state not in TERMINAL for one in chosen.runs),
        note=figure["layout"]["meta"]["note"],
        csv_url=f"/api/v1/compare.csv?{query_of(view)}",
        report_url=f"/api/v1/compare/report.html?{query_of(view)}",
        board_url=f"/boards/add?{urlencode({'address': f'/compare?{query_of(view)}'})}",
        outcomes_csv_url=f"/api/v1/compare/outcomes.csv?runs={','.join(view.runs)}",
        page_data=_page_data(comparison, figure),
    )


def said_missing(chosen: Chosen, asked: int) -> list[str]:
    """What is said of ids that are no runs, and of too many."""
    found = []
    if count := len(chosen.unknown):
        names = ", ".join(chosen.unknown[:5]) + (" …" if count > 5 else "")
        one = "This run does" if count == 1 else f"These {count} runs do"
        found.append(f"{one} not exist, or not any more: {names}. The others are shown.")
    if asked > MOST_RUNS:
        found.append(f"{asked} runs were asked for; the first {MOST_RUNS} are shown.")
    return found


def _with_colours(chosen: Chosen) -> list[tuple[str, str | None]]:
    return [(one.run.id, one.run.colour) for one in chosen.runs]


def _chosen_row(
    one: ComparedRun, view: CompareView, hue: str, bracket: Bracket | None
) -> ChosenRow:
    run = one.run
    others = tuple(other for other in view.runs if other != run.id)
    baseline = "" if view.baseline == run.id else view.baseline
    without = replace(view, runs=others, baseline=baseline)
    return ChosenRow(
        id=run.id,
        name=run.name,
        colour=hue,
        state=RunState(run.state),
        sequences=short(run.sequences),
        midpoint=_midpoint(one, bracket),
        without_url=address_of(without),
    )


def _midpoint(one: ComparedRun, bracket: Bracket | None) -> str:
    """Where it is, between which measurements, and what is to be known of it."""
    said = (short(one.run.midpoint), between(bracket) if bracket else "", one.phase_marks)
    return ", ".join(filter(None, said))


def _legend(comparison: Comparison, figure: Figure) -> list[LegendRow]:
    hidden = comparison.view.hidden
    said = nats if comparison.curves.metric.is_loss and not comparison.view.baseline else fixed
    rows = []
    for number, group in enumerate(figure["layout"]["meta"]["groups"]):
        last = group["last"] or {"at": None, "number": None}
        rows.append(
            LegendRow(
                number=number,
                key=group["key"],
                label=group["label"],
                url=f"/runs/{group['run_id']}" if group["run_id"] else "",
                hue="var(--ink)" if group["hue"] == INK else group["hue"],  # black in the dark, too
                dash=group["dash"],
                detail=_detail(group),
                last=said(last["number"]),
                at=short(last["at"]),
                is_hidden=group["key"] in hidden,
            )
        )
    return rows


def _detail(group: dict[str, Any]) -> str:
    """Which head it is in a run; of a group how many runs and seeds stand behind it."""
    if group["run_id"] is None:
        at_the_end = (group["last"] or {}).get("runs", group["runs"])
        fewer = f", {at_the_end} at the end" if at_the_end < group["runs"] else ""
        return f"{group['behind']}{fewer}"
    pick = group["pick"]
    return head_name(pick["layer"], pick["head"]) if "head" in pick else ""


def value_title(comparison: Comparison) -> str:
    """What its numbers are, with their unit."""
    metric = comparison.curves.metric
    unit = f" ({metric.number_unit})" if metric.number_unit else ""
    return f"{number_title(metric, comparison.view)}{unit}"


def number_title(metric: DrawnNumber, view: CompareView) -> str:
    """What is drawn of every run, or of its difference to the baseline."""
    if view.is_difference:
        return f"Difference of {metric.title[:1].lower()}{metric.title[1:]}"
    return metric.title


def _left_out(comparison: Comparison) -> list[LeftOut]:
    names = {one.run.id: one.run.name for one in comparison.chosen.runs}
    return [
        LeftOut(names[run_id], f"/runs/{run_id}", reason)
        for run_id, reason in comparison.left_out.items()
    ]


def _found(session: Session, view: CompareView, chosen: Chosen, words: str) -> list[FoundRun]:
    """Runs to add: those that the words name, else the newest."""
    most = FOUND + len(view.runs)
    runs, _ = list_runs(session, Filter(words=words_alone(words)), limit=most)
    others = [run for run in runs if run.id not in view.runs]
    there = _with_colours(chosen)
    return [
        FoundRun(
            id=run.id,
            name=run.name,
            colour=distinct_colours([*there, (run.id, run.colour)])[run.id],
            state=RunState(run.state),
            with_url=address_of(replace(view, runs=(*view.runs, run.id))),
        )
        for run in others[:FOUND]
    ]


def _page_data(comparison: Comparison, figure: Figure) -> dict[str, Any]:
    """What scripts need: the figure, the view, and which runs may still go on from where."""
    view = comparison.view
    # By the rows that were read before the curves: a run that ended in between is followed once
    # more, and its stream says so.
    going = [one.run.id for one in comparison.chosen.runs if one.run.state not in TERMINAL]
    return {
        "figure": figure,
        "chosen": vars(view),
        "usual": vars(USUAL),
        "events_url": "/api/v1/events",
        "live": {run_id: comparison.ends.get(run_id, -1) for run_id in going},
        "file_name": csv_name(view),
    }
