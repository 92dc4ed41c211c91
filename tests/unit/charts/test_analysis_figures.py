"""Figures of analyses: what is drawn where, with which units."""

import json
import re

import pytest

from app.schemas.analyses.read import AnalysisResult
from app.schemas.paper import tables
from app.schemas.paper.registry import FIGURES
from app.schemas.state import RunState
from app.services.analyses.drawing.figure import analysis_figure
from app.services.paper.analysed import analysis_drawing
from tests.published_analyses import (
    added_back,
    every_head,
    numbers,
    perfect_match,
    previous_token_sets,
    ways_to_output,
)

HEADS = 3


def cell(group: str, head: int | None = None, other: int | None = None, **more: object) -> dict:
    number = (head or 0) * 10 + (other or 0)
    return {
        "checkpoint": 5024, "name": f"{group} {head} {other}", "group": group, "head": head,
        "other": other, "loss": 1 - number / 100, "accuracy": number / 100,
        "in_context_accuracy": 0.5, "mistakes": number,
        "induction_strength": [[0.0] * HEADS, [0.1, 0.2, 0.3]], **more,
    }  # fmt: skip


def result(*cells: dict) -> AnalysisResult:
    found = {"sequences": 10, "population": 10, "recovery": [], "composition": []}
    found |= {"strongest": [], "looking_back": []}
    return AnalysisResult.model_validate(
        {"id": "7d0x3kq9me", "state": RunState.FINISHED, "cells": cells, **found}
    )


def test_a_grid_is_accuracy_against_strength_with_the_whole_model_beside_it():
    cells = [
        cell("none"),
        *(cell(act, head) for act in ("remove", "only") for head in range(HEADS)),
    ]
    cells[0]["accuracy"] = 0.99

    figure = analysis_figure("ablation_grid", result(*cells))

    only, removed = figure["data"]
    assert (only["name"], removed["name"]) == ("kept alone", "removed")
    assert only["x"] == [0.1, 0.2, 0.3]
    assert only["y"] == [0.0, 0.1, 0.2]
    assert figure["layout"]["shapes"][0]["y0"] == 0.99
    assert "−1 to 1" in figure["layout"]["xaxis"]["title"]["text"]


def test_heads_that_are_added_back_are_a_curve_of_loss():
    cells = [cell("none"), cell("add_back", 2), cell("add_back", 0)]

    figure = analysis_figure("ablation_grid", result(*cells))

    [trace] = figure["data"]
    assert trace["x"] == [1, 2]
    assert trace["text"] == ["+2", "+0"]
    assert trace["customdata"] == [2, 0]
    assert "nats" in figure["layout"]["yaxis"]["title"]["text"]


@pytest.mark.parametrize("columns", [1, 2])
def test_wiring_is_four_pictures_of_heads_by_heads(columns):
    groups = [f"{act}_{kept}" for kept in ("values", "patterns") for act in ("remove", "only")]
    pairs = [(later, earlier) for later in range(HEADS) for earlier in range(HEADS)]
    cells = [cell("base", head) for head in range(HEADS)]
    cells += [cell(group, *pair) for group in groups for pair in pairs]

    figure = analysis_figure("wiring", result(*cells), columns)

    removed, kept, *_ = figure["data"]
    assert len(figure["data"]) == 4
    assert removed["z"][2] == pytest.approx([0.0, 0.01, 0.02])  # of what the head has by itself
    assert kept["z"][2] == pytest.approx([0.2, 0.21, 0.22])
    domains = {tuple(figure["layout"][f"xaxis{n}"]["domain"]) for n in ("", "2", "3", "4")}
    assert len(domains) == columns
    assert all(0 <= end <= 1 for domain in domains for end in domain)


def test_along_the_training_every_head_of_the_last_layer_has_a_curve():
    figure = analysis_figure("exhaustive", result(cell("none"), cell("none", checkpoint=10_016)))

    assert [trace["name"] for trace in figure["data"]] == ["head 0", "head 1", "head 2"]
    assert figure["data"][1]["x"] == [5024, 10_016]


def test_programs_have_a_curve_each():
    cells = [cell("programs", name=name) for name in ("match", "<copy>")]

    figure = analysis_figure("perfected", result(*cells))

    assert [trace["name"] for trace in figure["data"]] == ["match", "<copy>"]
    assert "&lt;copy>" in figure["data"][1]["hovertemplate"]


def test_of_nothing_there_is_a_figure_without_traces():
    for kind in ("exhaustive", "ablation_grid", "wiring", "perfected"):
        figure = analysis_figure(kind, result())
        assert figure["data"] == []
        json.dumps(figure, allow_nan=False)


def test_of_wiring_that_is_not_done_only_what_is_there_is_drawn():
    base = [cell("base", head) for head in range(HEADS)]
    pairs = [(later, earlier) for later in range(HEADS) for earlier in range(HEADS)]

    begun = analysis_figure("wiring", result(*base))
    first = analysis_figure("wiring", result(*base, *(cell("remove_values", *p) for p in pairs)))

    assert begun["data"] == []
    assert [trace["uid"] for trace in first["data"]] == ["panel1"]
    assert begun["layout"]["yaxis4"]["range"] == [2.5, -0.5]


def test_the_same_grid_is_drawn_as_losses():
    figure = analysis_figure("ablation_grid", every_head(), shown="loss")

    only, _ = figure["data"]
    assert only["y"] == numbers(tables.ONLY_LOSS, 0)
    assert "nats" in figure["layout"]["yaxis"]["title"]["text"]


def test_heads_are_added_back_in_two_orders():
    figure = analysis_figure("ablation_grid", added_back())

    assert [trace["name"] for trace in figure["data"]] == [
        "the strongest first",
        "without the strongest",
    ]
    assert [len(trace["x"]) for trace in figure["data"]] == [7, 6]


def test_ways_to_the_output_are_what_is_added_to_the_whole():
    figure = analysis_figure("perfected", ways_to_output())

    one, two = figure["data"]
    assert one["y"] == pytest.approx([v for v in numbers(tables.DIRECT_LOSS, 0) if v], abs=1e-9)
    assert two["y"][-1] == pytest.approx(1.88)
    assert figure["layout"]["yaxis"]["title"]["text"] == "loss added (nats)"


@pytest.mark.parametrize("columns", [1, 2])
def test_a_perfect_match_is_seen_by_strength_and_by_label(columns):
    figure = analysis_figure("perfected", perfect_match(), columns)

    by_strength, by_label = figure["data"]
    assert by_strength["y"] == numbers(tables.PERFECT_ACCURACY, 0)
    assert by_label["z"][1] == numbers(tables.BY_LABEL, 1)
    is_beside = figure["layout"]["xaxis"]["domain"][1] < figure["layout"]["xaxis2"]["domain"][0]
    assert is_beside is (columns == 2)
    for axis in ("xaxis", "yaxis", "xaxis2", "yaxis2"):
        assert figure["layout"][axis]["title"]["text"]


def test_sets_of_heads_are_bars_by_what_is_preserved():
    figure = analysis_figure("perfected", previous_token_sets())

    patterns, values = figure["data"]
    assert (patterns["type"], patterns["name"]) == ("bar", "patterns preserved")
    assert patterns["y"] == [0.99853, 0.34267]
    assert values["y"] == [0.69869, 0.99319]
    json.dumps(figure)


def test_scales_of_colour_have_identifiers_that_an_address_can_name():
    """A scale is painted by a gradient that is found by the identifier, which a blank cuts short:
    the scale is black then."""
    pairs = [(later, earlier) for later in range(HEADS) for earlier in range(HEADS)]
    wiring = result(
        *(cell("base", head) for head in range(HEADS)),
        *(cell("remove_values", *pair) for pair in pairs),
    )
    drawn = [
        *analysis_figure("perfected", perfect_match())["data"],
        *analysis_figure("wiring", wiring)["data"],
    ]
    scales = [trace["uid"] for trace in drawn if trace["type"] == "heatmap"]

    assert len(scales) == 2
    assert all(re.fullmatch(r"[\w-]+", uid) for uid in scales)


@pytest.mark.parametrize("figure", [one for one in FIGURES if one.analyses])
def test_published_points_name_their_curve_by_its_number(figure):
    """Of the wrong one they would have its hue: "copy" is the third curve of Fig. 10."""
    for asked in figure.analyses:
        numbers_of = [one.curve for one in asked.points]
        assert len(set(numbers_of)) == len(numbers_of)


def test_published_points_have_the_hue_of_their_curve():
    [asked] = next(one for one in FIGURES if one.id == "fig-12").analyses

    ours_1, ours_2, paper_1, paper_2 = analysis_drawing(asked, ways_to_output(), 2)["data"]

    assert [ours_1["line"]["color"], ours_2["line"]["color"]] == [
        paper_1["marker"]["color"],
        paper_2["marker"]["color"],
    ]
