"""Figures: what they show, and that Plotly's own schema accepts them."""

import json
import math
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from app.schemas.config import ModelConfig, RunConfig, TaskConfig, TrainingConfig
from app.schemas.measure import EVALUATORS, Measurement, PhaseChange
from app.services.figures import HUES, FigureName, Landmarks, head_hue, run_figure, shown_layer

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
    assert texts(figure) == ["ln 3 · guessing among the 3 labels in context"]


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
    assert texts(whole)[:4] == ["plateau", "onset 169k", "half ln 2 · 256k", "end 416k"]


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
    assert shown_layer(FigureName.PREVIOUS_TOKEN, config) == 0


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
