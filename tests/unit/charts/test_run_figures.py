"""Figures: what they show, and that Plotly's own schema accepts them."""

import json
import math
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from app.schemas.clamps.kinds import Ablate, InductionPattern
from app.schemas.clamps.site import Site
from app.schemas.config import ModelConfig, RunConfig, TaskConfig, TrainingConfig
from app.schemas.measure import EVALUATORS, Bracket, Measurement, PhaseBrackets, PhaseChange
from app.schemas.series import MEASURES, PREVIOUS_TOKEN
from app.schemas.view import Drawing, XAxis, YAxis
from app.services.charts.axes import Look
from app.services.charts.marks import Landmarks, windows_of
from app.services.charts.run_figures import STRENGTHS, FigureName, run_figure
from app.services.charts.style import HUES, head_hue

CONFIG = RunConfig(training=TrainingConfig(sequences=640_000))
NOTHING = Landmarks(PhaseChange())
WHOLE = Landmarks(
    PhaseChange(
        plateau_start=50_000, plateau_end=169_000, onset=169_000, midpoint=256_000, end=416_000
    )
)


def rows(config: RunConfig = CONFIG, count: int = 3, loss: float = 0.7) -> list[Measurement]:
    model = config.model
    strengths = [
        [layer + head / 10 for head in range(model.heads)] for layer in range(model.layers)
    ]
    return [
        Measurement(
            sequences=5000 * index,
            elapsed_seconds=index,
            loss=tuple(loss + evaluator for evaluator in range(4)),
            accuracy=(0.5,) * 4,
            in_context_accuracy=(0.5,) * 4,
            correct_probability=(0.5,) * 4,
            context_probability=(0.5,) * 4,
            induction_strength=strengths,
            previous_token_strength=strengths,
        )
        for index in range(count)
    ]


def shapes(figure, name: str) -> list[dict]:
    return [shape for shape in figure["layout"]["shapes"] if shape["name"] == name]


def texts(figure) -> list[str]:
    return [note["text"] for note in figure["layout"]["annotations"]]


@pytest.mark.parametrize("name", FigureName)
@pytest.mark.parametrize(
    "change", [NOTHING, replace(WHOLE, forked_at=120_000)], ids=["no marks", "all marks"]
)
@pytest.mark.parametrize("count", [0, 1, 3], ids=["empty", "one point", "some"])
def test_every_figure_is_valid_for_plotly_and_for_json(name, change, count):
    figure = run_figure(name, rows(count=count), CONFIG, change)

    go.Figure(figure)

    assert json.loads(json.dumps(figure, allow_nan=False)) == figure


def test_the_loss_figure_has_a_line_per_evaluator_in_their_order():
    figure = run_figure(FigureName.LOSS, rows(), CONFIG, NOTHING)

    assert [trace["name"] for trace in figure["data"]] == [
        "train",
        "new label pairs",
        "new exemplars",
        "new classes",
    ]
    assert [trace["meta"]["evaluator"] for trace in figure["data"]] == list(range(len(EVALUATORS)))
    assert figure["data"][2]["x"] == [0, 5000, 10_000]
    assert figure["data"][2]["y"] == [2.7, 2.7, 2.7]


@pytest.mark.parametrize("x", XAxis)
@pytest.mark.parametrize("part", [(None, None), (4000, 9000)], ids=["whole", "part"])
@pytest.mark.parametrize("count", [0, 1, 3], ids=["empty", "one point", "some"])
def test_every_view_of_every_figure_is_valid_for_plotly_and_for_json(x, part, count):
    for name in FigureName:
        look = Look(x, YAxis.LINEAR, Drawing.LINES, *part)
        other = Look(x, YAxis.LOG, Drawing.LINES, *part)
        if name in STRENGTHS:
            other = Look(x, YAxis.LINEAR, Drawing.HEATMAP, *part)
        for one in (look, other):
            figure = run_figure(name, rows(count=count), CONFIG, WHOLE, one)

            go.Figure(figure)
            assert json.loads(json.dumps(figure, allow_nan=False)) == figure


@pytest.mark.parametrize("name", [name for name in FigureName if name not in STRENGTHS])
def test_every_metric_of_the_evaluators_has_its_figure_with_its_title_and_numbers(name):
    measured = [row.model_copy(update={name: (0.1, 0.2, 0.3, 0.4)}) for row in rows()]

    figure = run_figure(name, measured, CONFIG, NOTHING)

    assert [trace["y"][0] for trace in figure["data"]] == [0.1, 0.2, 0.3, 0.4]
    assert {trace["meta"]["metric"] for trace in figure["data"]} == {name}
    assert figure["layout"]["meta"]["title"] in {
        measure.title for measure in MEASURES.values() if measure.figure == name
    }
    assert figure["layout"]["yaxis"]["title"]["text"]


def test_guessing_among_the_labels_in_context_is_marked_where_it_means_something():
    def guess(name: FigureName) -> list[str]:
        return texts(run_figure(name, rows(), CONFIG, NOTHING))

    assert guess(FigureName.ACCURACY) == ["1/2"]
    assert guess(FigureName.CONTEXT_PROBABILITY) == []


def test_points_and_marks_lie_where_their_axis_says():
    def drawn(x: XAxis) -> tuple[list[float], list[float], str]:
        figure = run_figure(FigureName.LOSS, rows(), CONFIG, marked, Look(x))
        lines = [line["x0"] for line in shapes(figure, "mark")]
        return figure["data"][0]["x"], lines, figure["layout"]["xaxis"]["title"]["text"]

    marked = Landmarks(PhaseChange(onset=7500))
    assert drawn(XAxis.SEQUENCES) == ([0, 5000, 10_000], [7500], "sequences seen")
    assert drawn(XAxis.UPDATES) == ([0, 156.25, 312.5], [234.375], "updates")
    assert drawn(XAxis.ELAPSED) == ([0, 1, 2], [1.5], "training time (seconds)")
    assert drawn(XAxis.LOG) == ([5000, 10_000], [7500], "sequences seen (log scale)")


def test_training_time_reaches_to_where_training_will_end_at_its_present_pace():
    figure = run_figure(FigureName.LOSS, rows(), CONFIG, NOTHING, Look(XAxis.ELAPSED))

    assert figure["layout"]["xaxis"]["range"] == [0, 2 * 640_000 / 10_000]
    assert figure["layout"]["meta"]["sequences"] == [0, 5000, 10_000]


def test_a_part_of_a_run_fills_the_axis_and_its_labels_stay_in_it():
    look = Look(start=100_000, until=300_000)

    figure = run_figure(FigureName.LOSS, rows(loss=0.1), CONFIG, WHOLE, look)

    assert figure["layout"]["xaxis"]["range"] == [100_000, 300_000]
    assert figure["layout"]["yaxis"]["range"][1] < 3.5, "as high as its numbers"
    notes = [note for note in figure["layout"]["annotations"] if note["name"] != "guessing"]
    assert [note["text"] for note in notes] == ["plateau", "onset 169k", "midpoint 256k"]
    assert notes[0]["x"] == (100_000 + 169_000) / 2


def test_log_axes_place_labels_and_ranges_by_exponents_and_say_what_they_leave_out():
    zeros = [row.model_copy(update={"loss": (0.0, 0.1, 1.0, 10.0)}) for row in rows()]

    layout = run_figure(FigureName.LOSS, zeros, CONFIG, WHOLE, Look(XAxis.LOG, YAxis.LOG))["layout"]

    low, high = layout["yaxis"]["range"]
    assert -1.2 < low < -1
    assert 1 < high < 1.2
    assert layout["meta"]["notes"][1:] == ["2 points at 0 have no place on a log scale"]
    onset = next(note for note in layout["annotations"] if note["name"] == "onset")
    assert onset["x"] == pytest.approx(math.log10(169_000))
    assert shapes({"layout": layout}, "mark")[0]["x0"] == 169_000, "shapes go by plain numbers"


def test_the_heatmap_has_a_row_for_every_head_and_a_scale_that_never_moves():
    config = RunConfig(model=ModelConfig(layers=3, heads=4))
    look = Look(drawing=Drawing.HEATMAP)

    induction = run_figure(FigureName.INDUCTION, rows(config), config, WHOLE, look)
    previous = run_figure(FigureName.PREVIOUS_TOKEN, rows(config), config, WHOLE, look)

    (picture,) = induction["data"]
    assert picture["y"][5] == "Layer 2, head 1"
    assert picture["z"][5] == [1.1, 1.1, 1.1]
    assert picture["meta"]["places"][5] == [1, 1]
    assert (picture["zmin"], picture["zmax"]) == (-1, 1)
    assert (previous["data"][0]["zmin"], previous["data"][0]["zmax"]) == (0, 1)
    assert induction["layout"]["yaxis"]["range"] == [11.5, 7.5], "the last layer, head 0 on top"
    assert {shape["layer"] for shape in induction["layout"]["shapes"]} == {"above"}


def test_where_a_line_stops_being_numbers_is_marked_and_said():
    measured = rows(count=5)
    measured[3:] = [row.model_copy(update={"loss": (math.nan, 1, 1, 1)}) for row in measured[3:]]
    measured[1] = measured[1].model_copy(update={"loss": (0.7, math.inf, 1, 1)})

    figure = run_figure(FigureName.LOSS, measured, CONFIG, NOTHING)

    go.Figure(figure)
    marks = [trace for trace in figure["data"] if trace["meta"].get("broken")]
    assert [(mark["x"], mark["y"]) for mark in marks] == [([10_000], [0.7]), ([0], [1.7])]
    assert figure["layout"]["meta"]["notes"][1:] == [
        "train is not finite (NaN or infinite) from 15,000 sequences on",
        "new label pairs is not finite (NaN or infinite) in some points, first at 5,000 sequences",
    ]


def test_many_lines_that_break_are_told_in_one_sentence():
    strengths = [[math.nan] * 8] * 2
    measured = rows()
    measured[2] = measured[2].model_copy(update={"induction_strength": strengths})

    figure = run_figure(FigureName.INDUCTION, measured, CONFIG, NOTHING)

    (sentence,) = figure["layout"]["meta"]["notes"]
    assert sentence.startswith("16 lines are not finite")
    assert sum(bool(trace["meta"].get("broken")) for trace in figure["data"]) == 16


def test_axes_carry_their_units_and_span_the_whole_training_from_the_start():
    layout = run_figure(FigureName.LOSS, rows(), CONFIG, NOTHING)["layout"]

    assert layout["xaxis"]["title"]["text"] == "sequences seen"
    assert layout["xaxis"]["range"] == [0, 640_000]
    assert layout["yaxis"]["title"]["text"] == "loss (nats)"


def test_the_loss_of_guessing_among_the_labels_in_context_is_marked():
    config = RunConfig(task=TaskConfig(context_pairs=3))

    figure = run_figure(FigureName.LOSS, rows(config), config, NOTHING)

    (line,) = shapes(figure, "guessing")
    assert line["y0"] == line["y1"] == pytest.approx(math.log(3))
    assert texts(figure) == ["ln 3"]


def test_marks_are_drawn_as_soon_as_they_are_known():
    none = run_figure(FigureName.LOSS, rows(), CONFIG, NOTHING)
    begun = run_figure(FigureName.LOSS, rows(), CONFIG, Landmarks(PhaseChange(onset=169_000)))
    whole = run_figure(FigureName.LOSS, rows(), CONFIG, WHOLE)

    assert not shapes(none, "mark")
    assert not shapes(none, "band")
    assert [line["x0"] for line in shapes(begun, "mark")] == [169_000]
    assert [line["x0"] for line in shapes(whole, "mark")] == [169_000, 256_000, 416_000]
    (band,) = shapes(whole, "band")
    assert (band["x0"], band["x1"]) == (50_000, 169_000)
    assert texts(whole)[:4] == ["plateau", "onset 169k", "midpoint 256k", "end 416k"]


@pytest.mark.parametrize("name", FigureName)
def test_a_fork_is_a_line_in_every_figure_and_has_its_label_among_the_others(name):
    figure = run_figure(name, rows(), CONFIG, replace(WHOLE, forked_at=120_000))

    (line,) = shapes(figure, "fork")
    assert (line["x0"], line["x1"]) == (120_000, 120_000)
    if name is FigureName.LOSS:
        assert texts(figure)[:3] == ["plateau", "fork 120k", "onset 169k"]


def test_labels_of_close_marks_go_below_each_other_and_stay_inside():
    close = Landmarks(PhaseChange(onset=600_000, midpoint=605_000, end=610_000))

    notes = run_figure(FigureName.LOSS, rows(), CONFIG, close)["layout"]["annotations"]

    marks = [note for note in notes if note["name"] in ("onset", "midpoint", "end")]
    assert len({note["yshift"] for note in marks}) == 3
    assert {note["xanchor"] for note in marks} == {"right"}


def test_every_head_of_every_layer_is_in_the_figure_and_one_layer_is_shown():
    config = RunConfig(model=ModelConfig(layers=3, heads=4))

    figure = run_figure(FigureName.INDUCTION, rows(config), config, NOTHING)

    places = [(trace["meta"]["layer"], trace["meta"]["head"]) for trace in figure["data"]]
    assert places == [(layer, head) for layer in range(3) for head in range(4)]
    assert {t["meta"]["layer"] for t in figure["data"] if t["visible"]} == {2}
    assert figure["data"][5]["y"] == [1.1, 1.1, 1.1]
    assert PREVIOUS_TOKEN.shown_layer(config.model.layers) == 0


def test_a_head_has_its_hue_in_every_figure_and_more_heads_than_hues_differ_by_dash():
    config = RunConfig(model=ModelConfig(heads=16))

    lines = [
        [trace["line"] for trace in run_figure(name, rows(config), config, NOTHING)["data"]]
        for name in (FigureName.INDUCTION, FigureName.PREVIOUS_TOKEN)
    ]

    assert lines[0] == lines[1]
    first_layer = [(line["color"], line["dash"]) for line in lines[0][:16]]
    assert len(set(first_layer)) == 16
    assert [color for color, _ in first_layer[:8]] == list(HUES)
    assert head_hue(11) == head_hue(3)


def test_what_is_not_finite_is_a_gap():
    figure = run_figure(FigureName.LOSS, rows(loss=math.nan), CONFIG, NOTHING)

    assert figure["data"][0]["y"] == [None, None, None]
    assert figure["data"][0]["connectgaps"] is False


def test_the_loss_axis_holds_every_point_that_there_is():
    high = run_figure(FigureName.LOSS, rows(loss=9.0), CONFIG, NOTHING)

    assert high["layout"]["yaxis"]["range"][1] >= 12.0


def test_a_place_of_the_phase_change_is_drawn_as_wide_as_it_is_known():
    between = PhaseBrackets(midpoint=Bracket(after=255_000, until=260_000))
    places = Landmarks(PhaseChange(midpoint=256_000), between=between)

    figure = run_figure(FigureName.LOSS, rows(), CONFIG, places)

    (known,) = shapes(figure, "known")
    assert (known["x0"], known["x1"]) == (255_000, 260_000)
    assert "midpoint 255k–260k" in texts(figure)


def test_lights_that_are_not_always_on_are_shaded_from_where_to_where():
    match = {"site": Site.parse("L1.pattern[query]")}
    program = [
        InductionPattern(**match, until_sequences=60_000),
        InductionPattern(site=Site.parse("L0H0.pattern[query]"), until_sequences=60_000),
        Ablate(site=Site.parse("L0H4.v")),
        Ablate(site=Site.parse("L0H5.v"), from_sequences=100_000),
    ]
    places = Landmarks(PhaseChange(), windows=windows_of(program))

    for name in (FigureName.LOSS, FigureName.INDUCTION):
        figure = run_figure(name, rows(), CONFIG, places)

        driven, silenced = shapes(figure, "light-driven"), shapes(figure, "light-silenced")
        assert {(one["x0"], one["x1"]) for one in driven} == {(0, 60_000)}
        assert {(one["x0"], one["x1"]) for one in silenced} == {
            (100_000, CONFIG.training.total_sequences)
        }
        assert len(driven) == len(silenced) == 2, "a tint and a strip each, none twice"


def test_the_dashed_line_is_named_beside_the_curves_and_explained_under_them():
    layout = run_figure(FigureName.LOSS, rows(), CONFIG, NOTHING)["layout"]

    (note,) = (note for note in layout["annotations"] if note["name"] == "guessing")
    assert (note["text"], note["x"], note["xanchor"]) == ("ln 2", 1, "left")
    assert layout["margin"]["r"] >= 40
    assert layout["meta"]["notes"] == ["dashed, ln 2: guessing between the two labels in context"]


def test_every_tick_of_a_log_axis_is_a_whole_number():
    layout = run_figure(FigureName.LOSS, rows(), CONFIG, NOTHING, Look(XAxis.LOG, YAxis.LOG))[
        "layout"
    ]

    assert layout["xaxis"]["tickformat"] == "~s"
    assert layout["yaxis"]["tickformat"] == "~g"


def test_a_part_is_as_high_as_what_lies_in_it_and_not_as_its_neighbours():
    steep = [rows()[0].model_copy(update={"loss": (9.0,) * 4}), *rows(loss=0.1)[1:]]

    figure = run_figure(FigureName.LOSS, steep, CONFIG, NOTHING, Look(start=4000, until=12_000))

    assert figure["data"][0]["y"][0] == 9
    assert figure["layout"]["yaxis"]["range"][1] < 3.5


def test_averages_begin_anew_where_another_program_does():
    program = [InductionPattern(site=Site.parse("L1.pattern[query]"), until_sequences=60_000)]
    places = Landmarks(PhaseChange(), forked_at=40_000, windows=windows_of(program))

    figure = run_figure(FigureName.LOSS, rows(), CONFIG, places)

    assert figure["layout"]["meta"]["restarts"] == [40_000, 60_000]
