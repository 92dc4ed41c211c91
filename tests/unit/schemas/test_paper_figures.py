"""The registry of the paper's figures: whole, consistent, and with the published numbers."""

import json
from pathlib import Path

import pytest

from app.schemas.analyses.presets import preset_by_id
from app.schemas.paper import tables
from app.schemas.paper.figure import PaperFigure, PaperLine, PaperNeeds
from app.schemas.paper.registry import BY_ID, FIGURES
from app.schemas.paper.rules import LEVELS, InOrder, LongerPlateau, MeasuredCurve
from app.schemas.paper.training import TRAINED

PUBLISHED = json.loads(
    (Path(__file__).resolve().parents[2] / "golden" / "paper_published.json").read_text()
)


def named(figure: PaperFigure) -> str:
    return figure.id


def test_every_figure_and_table_of_the_paper_is_there_once():
    numbers = {
        figure.name.split(" ", 1)[0] + figure.name.split(" ", 1)[1][:2].strip("ab")
        for figure in FIGURES
    }

    assert numbers == {f"Fig.{n}" for n in range(1, 19)} | {f"Table{n}" for n in (1, 2, 3)}
    assert len(BY_ID) == len(FIGURES)


@pytest.mark.parametrize("figure", FIGURES, ids=named)
def test_lines_are_of_its_runs_and_rules_of_its_lines(figure):
    runs = {run.name for run in figure.runs}
    labels = [line.label for line in figure.lines]
    drawn = {line.label: line for panel in figure.panels for line in panel.lines}

    drawn_of = {line.run for line in drawn.values()}
    if figure.grafted:
        assert {one.donor for one in figure.grafted} <= runs
        runs |= {run.name for run in figure.ungrafted}
        assert drawn_of <= runs
    else:
        assert drawn_of == (runs if figure.panels else set())
    assert {line.run for line in figure.lines} <= runs
    for table in (one.published for asked in figure.analyses for one in asked.tables):
        assert {len(row) for row in table.rows} == {len(table.columns)}
    assert all(line == drawn[line.label] for panel in figure.panels for line in panel.lines)
    for claim in figure.claims:
        assert set(claim.rule.needed) <= set(labels)
    for line in figure.lines:
        assert set(line.published.crossings) <= set(LEVELS)
        assert [p for p, _ in line.published.points] == sorted(p for p, _ in line.published.points)
    for table in figure.tables:
        assert {len(row) for row in table.rows} == {len(table.columns)}


@pytest.mark.parametrize("figure", FIGURES, ids=named)
def test_what_comes_from_training_has_runs_panels_and_claims(figure):
    if figure.needs is PaperNeeds.TRAINING:
        assert figure.runs
        assert figure.panels
        assert figure.claims
        assert figure.expected


def test_questions_are_those_that_analyses_offer():
    asked = {figure.id: figure.analyses for figure in FIGURES if figure.analyses}

    assert set(asked) == {
        *("fig-3b", "fig-4a", "fig-10", "fig-11", "fig-12", "fig-13", "fig-14", "fig-16"),
        *("table-1", "table-2", "table-3", "fig-18"),
    }
    of_one = {figure_id: found for figure_id, found in asked.items() if figure_id != "fig-18"}
    for figure_id, [question] in of_one.items():
        preset = preset_by_id(question.preset)
        assert preset is not None
        number = BY_ID[figure_id].name.removeprefix("Fig. ")
        assert number in preset.figure
        assert question.run in {run.name for run in BY_ID[figure_id].runs}
        assert question.claims


def test_runs_that_figures_share_are_the_same_run():
    def configs(*ids: str) -> list[set[str]]:
        return [{run.config_hash for run in BY_ID[id].runs} for id in ids]

    main, alone, pairs = configs("fig-3a", "fig-4b", "fig-17")
    assert main < alone
    assert len(alone & pairs) == 2
    steps, shifts, previous = configs("fig-5b", "fig-6", "fig-8")
    assert len(steps & shifts) == 3
    assert len(steps & previous) == 2
    analysed = configs("fig-3b", "fig-4a", "fig-11", "fig-12", "fig-13", "fig-14", "table-1")
    assert all(one == main for one in analysed)
    [one_head] = configs("fig-10")
    assert one_head < steps


def test_tables_are_as_published():
    losses = {row[0]: list(row[1:]) for row in tables.SEED_LOSS.rows}
    assert losses == PUBLISHED["fig18_only_head_loss"]
    by_label = {str(head): list(row[1:]) for head, row in enumerate(tables.BY_LABEL.rows)}
    assert by_label == PUBLISHED["fig16c"]
    relabelled = {
        f"{line.label}": loss for line in BY_ID["fig-15"].lines for _, loss in line.published.points
    }
    assert sorted(relabelled.values()) == sorted(PUBLISHED["fig15_relabel_loss_at_600k"].values())


@pytest.mark.parametrize("kind", ["only pv", "only pp", "remove pv", "remove pp"])
def test_wiring_is_as_published(kind):
    act, preserved = kind.split()
    order = ["only pv", "only pp", "remove pv", "remove pp"]
    table = tables.WIRING[order.index(kind)]
    known = PUBLISHED["fig11_accuracies"]
    for head, row in enumerate(table.rows):
        for other, cell in enumerate(row[1:]):
            done = "remove" if act == "remove" else "remove_allbut"
            whole = known[f"only_l1h{head}_{done}_l0h{other}_{preserved}"]
            before = known[f"only_l1h{head}"] if act == "remove" else 0
            assert cell == pytest.approx(whole - before, abs=6e-4)
    if act == "only":
        for name, cell in zip(
            tables.ONLY_ACCURACY.columns[1:], tables.ONLY_ACCURACY.rows[0][1:], strict=True
        ):
            assert cell == pytest.approx(known[f"only_l1h{name[-1]}"], abs=6e-6)


def published_curve(line: PaperLine) -> MeasuredCurve:
    """The published numbers of a curve as if they had been measured."""
    known = [*line.published.points]
    known += [(place, LEVELS[level] - 1e-9) for level, place in line.published.crossings.items()]
    known = sorted(known) if line.published.points else [(0, 1.9), *sorted(known)]
    return MeasuredCurve([place for place, _ in known], [loss for _, loss in known])


@pytest.mark.parametrize("figure", TRAINED, ids=named)
def test_orders_and_plateaus_that_are_claimed_hold_for_the_published_numbers(figure):
    curves = {line.label: published_curve(line) for line in figure.lines}
    ordered = [c for c in figure.claims if isinstance(c.rule, InOrder | LongerPlateau)]

    assert ordered or figure.id == "fig-15"
    for claim in ordered:
        assert claim.rule(curves).holds is True, (claim.text, claim.rule(curves).figures)
