"""Figures of studies: groups, their mean and range, and that Plotly's own schema accepts them."""

import json
import math

import plotly.graph_objects as go
import pytest

from app.db.series import Curve
from app.db.studies import FigureRun
from app.errors import Invalid
from app.schemas.api.studies import AxisRead
from app.services.charts.curves import (
    ALL,
    EACH,
    STUDY_METRICS,
    group_runs,
    groupings,
    usual_grouping,
)
from app.services.charts.overlay import StudyCurves, overlay_figure
from app.services.charts.panels import MOST_PANELS, panels_figure

CLAMPS = AxisRead(field="program", title="Clamps", labels=["none", "match"])
SEEDS = AxisRead(field="seeds.initial", title="Initial weights", labels=["5", "6", "7"])
ONE = AxisRead(field="task.labels", title="Labels", labels=["5"])
AXES = [CLAMPS, SEEDS]
PLACES = [0, 1000, 2000, 3000]


def drawn() -> list[FigureRun]:
    runs = [(clamp, seed) for clamp in CLAMPS.labels for seed in SEEDS.labels]
    return [
        FigureRun(f"{clamp}{seed}", f"{clamp}, {seed}", {"program": clamp, "seeds.initial": seed},
              3000, int(seed), 2, 1)
        for clamp, seed in runs
    ]  # fmt: skip


def curve(run_id: str, *numbers: float, every: int = 1000) -> Curve:
    return Curve(run_id, [every * n for n in range(len(numbers))], list(numbers))


def shown(by: str, metric: str = "loss.train", curves: list[Curve] | None = None) -> StudyCurves:
    runs = drawn()
    if curves is None:
        curves = [curve(run.run_id, 2, 1, n, 0.1) for n, run in enumerate(runs)]
    return StudyCurves(
        metric=STUDY_METRICS[metric],
        groups=group_runs(AXES, runs, by),
        curves={one.run_id: one for one in curves},
        runs=len(runs),
        total_sequences=3000,
        labels_in_context=2,
    )


def named(figure, start: str) -> list[dict]:
    return [trace for trace in figure["data"] if trace["name"].startswith(start)]


@pytest.mark.parametrize("metric", STUDY_METRICS)
@pytest.mark.parametrize("by", groupings(AXES))
@pytest.mark.parametrize("is_empty", [False, True], ids=["curves", "nothing yet"])
def test_every_figure_is_valid_for_plotly_and_for_json(metric, by, is_empty):
    study = shown(by, metric, [] if is_empty else None)

    for figure in (overlay_figure(study), panels_figure(study, 2)):
        go.Figure(figure)
        json.dumps(figure, allow_nan=False)
        assert figure["layout"]["meta"]["points"] == (0 if is_empty else 24)


def test_a_group_has_a_mean_a_range_and_its_runs_in_one_colour():
    figure = overlay_figure(shown("program"))

    [mean] = named(figure, "mean of none")
    assert (mean["x"], mean["y"]) == (PLACES, [2, 1, 1, 0.1])
    assert mean["customdata"] == [3, 3, 3, 3]
    [band] = named(figure, "range of none")
    assert band["y"] == [2, 1, 0, 0.1, 0.1, 2, 1, 2]
    runs = named(figure, "none, ")
    assert [run["uid"] for run in runs] == ["none5", "none6", "none7"]
    assert {trace["line"]["color"] for trace in (mean, band, *runs)} == {mean["line"]["color"]}
    other = named(figure, "mean of match")[0]["line"]["color"]
    assert other != mean["line"]["color"]
    assert [group["runs"] for group in figure["layout"]["meta"]["groups"]] == [3, 3]


def test_a_legend_is_of_groups_and_not_of_all_their_runs_and_ranges():
    named = [t for t in overlay_figure(shown("program"))["data"] if t.get("showlegend", True)]
    assert named
    assert all(one["uid"].startswith("mean-") or one["opacity"] == 1 for one in named)


def test_runs_apart_are_plain_curves():
    figure = overlay_figure(shown(EACH))

    assert [trace["uid"] for trace in figure["data"]] == [run.run_id for run in drawn()]


def test_small_charts_have_a_group_each_on_axes_that_move_together():
    figure = panels_figure(shown("seeds.initial"), columns=2)

    layout = figure["layout"]
    assert {trace["xaxis"] for trace in figure["data"]} == {"x", "x2", "x3"}
    assert [note["text"] for note in layout["annotations"]] == ["5", "6", "7"]
    axes = {name: axis for name, axis in layout.items() if name.startswith(("xaxis", "yaxis"))}
    titled = {name: axis["title"]["text"] for name, axis in axes.items() if "title" in axis}
    assert titled.keys() == {"yaxis", "yaxis3", "xaxis2", "xaxis3"}, "the left and the lowest"
    assert set(titled.values()) == {"loss (nats)", "sequences seen"}
    assert layout["xaxis3"]["matches"] == "x"
    assert layout["yaxis3"]["domain"][1] < layout["yaxis2"]["domain"][0]
    assert layout["xaxis2"]["domain"][0] > layout["xaxis"]["domain"][1]
    assert [shape["xref"] for shape in layout["shapes"]] == ["x domain", "x2 domain", "x3 domain"]


def test_what_is_not_finite_is_a_gap_and_has_no_part_in_a_mean():
    curves = [curve("none5", 2, math.nan, 1), curve("none6", 4, 3, math.inf), curve("none7", 3, 5)]
    figure = overlay_figure(shown("program", curves=curves))

    assert named(figure, "none, 5")[0]["y"] == [2, None, 1]
    # Of the first place three are known, of the next two, which breaks it, of the last only one.
    assert named(figure, "mean of none")[0]["y"] == [3, None, 4]


def test_a_gap_is_drawn_where_runs_end_and_the_legend_says_how_many_stand_behind():
    curves = [curve("none5", 2, 2, 1, 1), curve("none6", 4, 4, 1, 1), curve("none7", 3, 3)]
    figure = overlay_figure(shown("program", curves=[*curves, curve("match5", 1, 1)]))

    [mean] = named(figure, "mean of none")
    assert (mean["x"], mean["y"]) == ([0, 1000, 1500, 2000, 3000], [3, 3, None, 1, 1])
    assert mean["customdata"] == [3, 3, None, 2, 2]
    assert mean["hovertemplate"].endswith("%{customdata} of 3 runs")
    [band] = named(figure, "range of none")
    assert band["x"] == [0, 1000, 1000, 0, None, 2000, 3000, 3000, 2000]
    assert band["y"] == [2, 2, 4, 4, None, 1, 1, 1, 1]
    behind = [group["behind"] for group in figure["layout"]["meta"]["groups"]]
    assert behind == ["3 runs, 3 seeds", "1 of 3 runs"]


def test_many_numbers_are_coloured_from_cold_to_warm_whatever_their_order():
    labels = ["1", "0.5", "0.75", "0", "0.25"]
    axis = AxisRead(field="program.0.strength", title="Strength", labels=labels)
    runs = [FigureRun(one, one, {axis.field: one}, 1, 1, 2, 1) for one in labels]
    groups = group_runs([axis], runs, axis.field)
    metric = STUDY_METRICS["loss.train"]
    figure = overlay_figure(StudyCurves(metric, groups, {}, 5, 1, 2))

    hues = {group["label"]: group["hue"] for group in figure["layout"]["meta"]["groups"]}
    reds = [int(hues[label][1:3], 16) for label in sorted(labels)]
    assert reds == sorted(reds)
    assert len(set(hues.values())) == 5


def test_seeds_are_chance_and_everything_else_is_asked_for():
    assert usual_grouping([SEEDS, CLAMPS]) == "program"
    assert usual_grouping([SEEDS]) == ALL
    runs = AxisRead(field="run", title="Run", labels=["a", "b"])
    assert usual_grouping([runs]) == EACH
    assert list(groupings([runs])) == [EACH, ALL]
    assert usual_grouping([runs, SEEDS]) == "run"
    assert usual_grouping([ONE]) == usual_grouping([]) == EACH
    assert list(groupings([ONE, SEEDS])) == [EACH, ALL, "seeds.initial"]


def test_there_is_no_grouping_by_what_does_not_vary():
    with pytest.raises(Invalid, match="each, all, program, seeds"):
        group_runs(AXES, drawn(), "task.labels")


def test_no_browser_has_to_draw_hundreds_of_small_charts():
    runs = [FigureRun(str(n), str(n), {}, 1, 1, 2, 1) for n in range(MOST_PANELS + 7)]
    metric = STUDY_METRICS["loss.train"]
    study = StudyCurves(metric, group_runs([], runs, EACH), {}, len(runs), 1, 2)

    layout = panels_figure(study, columns=4)["layout"]

    assert sum(name.startswith("xaxis") for name in layout) == MOST_PANELS
    assert layout["meta"]["note"].startswith("7 more are left out")
    assert overlay_figure(study)["layout"]["meta"]["note"] == ""
