"""Figures of comparisons: what they show, and that Plotly's own schema accepts them."""

import csv
import json
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from app.db.models import Run
from app.db.series import Curve
from app.errors import Invalid
from app.schemas.config import RunConfig
from app.services.charts.curves import group_runs
from app.services.charts.overlay import StudyCurves
from app.services.compare.comparison import Chosen, Comparison
from app.services.compare.differences import axes_of, differences_of, drawn_runs
from app.services.compare.figures import compare_figure
from app.services.compare.series import ComparedRun, Located, NumberPlace, series_or_error
from app.services.compare.table import comparison_lines
from app.services.compare.view import CompareView, address_of, check, settled, unique

IDS = ("a", "b", "c", "d")


def config(labels: int, seed: int) -> RunConfig:
    return RunConfig.model_validate(
        {
            "task": {"labels": labels},
            "seeds": {"initial": seed},
            "recording": {"evaluate_every": 1000},
        }
    )


def chosen() -> Chosen:
    configs = [config(5, 1), config(5, 2), config(10, 1), config(10, 2)]
    runs = [
        ComparedRun(Run(id=one, name=f"run {one}", state="finished", total_sequences=3000), made)
        for one, made in zip(IDS, configs, strict=True)
    ]
    differences = differences_of(configs)
    return Chosen(runs, [], differences, axes_of(differences), drawn_runs(runs, differences))


def comparison(view: CompareView, *, rough: bool = False) -> Comparison:
    runs = chosen()
    curves = {
        one: Curve(one, [0, 1000, 2000, 3000], [2.0, 1.0, n, 0.1])
        for n, one in enumerate(IDS)
        if one != view.baseline
    }
    place = NumberPlace("induction_strength", layer=1, head=0)
    return Comparison(
        view=view,
        chosen=runs,
        curves=StudyCurves(
            metric=series_or_error(view.series),
            groups=group_runs(runs.axes, [r for r in runs.drawn if r.run_id in curves], view.group),
            curves=curves,
            runs=len(curves),
            total_sequences=3000,
            labels_in_context=2,
        ),
        located=Located(dict.fromkeys(IDS, place), {}),
        origins=dict.fromkeys(IDS, 500),
        rough=curves if rough else {},
    )


@pytest.mark.parametrize("view", ["overlay", "panels"])
@pytest.mark.parametrize("baseline", ["", "a"])
@pytest.mark.parametrize("align", ["sequences", "midpoint"])
@pytest.mark.parametrize("group", ["each", "task.labels"])
def test_every_figure_is_valid_for_plotly_and_for_json(view, baseline, align, group):
    view = CompareView(IDS, "loss.train", group, view, align, baseline, 0.5)

    figure = compare_figure(comparison(view, rough=True), columns=2)

    go.Figure(figure)
    json.dumps(figure, allow_nan=False)
    assert figure["layout"]["hovermode"] is False


def test_every_run_has_its_colour_its_numbers_and_where_they_are_found_live():
    figure = compare_figure(comparison(CompareView(IDS)), columns=2)

    groups = figure["layout"]["meta"]["groups"]
    assert [group["run_id"] for group in groups] == list(IDS)
    assert [group["last"] for group in groups] == [{"at": 3000, "number": 0.1, "runs": 1}] * 4
    assert groups[0]["pick"] == {"metric": "induction_strength", "layer": 1, "head": 0}
    assert groups[0]["origin"] == 500
    assert [trace["line"]["color"] for trace in figure["data"]] == [g["hue"] for g in groups]


def test_a_group_says_where_its_mean_came_to():
    figure = compare_figure(comparison(CompareView(IDS, group="task.labels")), columns=2)

    groups = figure["layout"]["meta"]["groups"]
    assert [(one["key"], one["runs"], one["run_id"]) for one in groups] == [
        ("5", 2, None),
        ("10", 2, None),
    ]
    [mean] = [one for one in figure["data"] if one["uid"] == "mean-1"]
    assert mean["y"] == [2, 1, 2.5, 0.1]
    assert groups[1]["last"] == {"at": 3000, "number": 0.1, "runs": 2}


def test_differences_have_a_line_at_zero_that_names_the_baseline():
    layout = compare_figure(comparison(CompareView(IDS, baseline="b")), columns=2)["layout"]

    [zero] = [shape for shape in layout["shapes"] if shape["name"] == "baseline"]
    assert zero["y0"] == zero["y1"] == 0
    assert "run b" in [note["text"] for note in layout["annotations"]]
    low, high = layout["yaxis"]["range"]
    assert low < 0 < 3 < high
    assert layout["yaxis"]["title"]["text"] == "difference of loss (nats)"


def test_aligned_curves_are_seen_whole_with_a_line_where_they_meet():
    layout = compare_figure(comparison(CompareView(IDS, align="midpoint")), columns=2)["layout"]

    assert layout["xaxis"]["range"] == [0, 3000]
    assert layout["xaxis"]["title"]["text"] == "sequences from the midpoint of the phase change"
    [mark] = [shape for shape in layout["shapes"] if shape["name"] == "mark"]
    assert mark["x0"] == mark["x1"] == 0


def test_what_was_measured_lies_faintly_behind_what_is_smoothed():
    figure = compare_figure(comparison(CompareView(IDS, smoothing=0.6), rough=True), columns=2)

    rough = [trace for trace in figure["data"] if trace["meta"].get("rough")]
    assert [trace["uid"] for trace in rough] == [f"rough-{one}" for one in IDS]
    assert {trace["opacity"] for trace in rough} == {0.25}


def test_fields_that_differ_are_listed_with_small_numbers_first_and_the_same_are_counted():
    found = differences_of([config(10, 2), config(5, 1)])

    assert [one.title for one in found.fields] == ["Labels", "Initial weights (seed)"]
    assert found.fields[0].texts == ["10", "5"]
    assert found.fields[0].order == ["5", "10"]
    assert found.same == differences_of([config(5, 1)]).same - 2
    assert [axis.field for axis in axes_of(found)] == ["task.labels", "seeds.initial"]


def test_clamps_are_compared_in_words():
    clamped = RunConfig.model_validate(
        {"program": [{"kind": "ablate", "site": "L1H3.v"}], "seeds": {"initial": 7}}
    )

    [seed, clamps] = differences_of([clamped, RunConfig()]).fields

    assert seed.field == "seeds.initial"
    assert clamps.texts[0].startswith("Layer 2, head 3")
    assert clamps.texts[1].startswith("Nothing is clamped")


def test_runs_that_differ_in_much_are_grouped_by_all_of_it_but_their_seeds():
    configs = [config(5, 1), config(10, 2), config(10, 3)]
    longer = RunConfig.model_validate(
        configs[2].model_dump(mode="json") | {"training": {"sequences": 64}}
    )
    axes = axes_of(differences_of([*configs, longer]))

    [axis] = [axis for axis in axes if axis.field == "but_seeds"]
    assert axis.labels == [
        "labels 5 · sequences 1,000,000",
        "labels 10 · sequences 1,000,000",
        "labels 10 · sequences 64",
    ]


def test_the_table_has_every_number_that_is_shown_and_the_groups_means():
    rows = list(csv.reader(comparison_lines(comparison(CompareView(IDS, group="task.labels")))))

    assert rows[0] == ["group", "run_id", "run", "what", "sequences", "value", "runs"]
    assert rows[1] == ["5", "a", "run a", "run", "0", "2.0", "1"]
    assert ["10", "", "", "mean", "2000", "2.5", "2"] in rows
    assert len(rows) == 1 + 2 * (2 * 4 + 3 * 4)


def test_an_address_holds_what_is_not_as_usual_and_nothing_else():
    assert address_of(CompareView()) == "/compare"
    assert address_of(CompareView(("a", "b"))) == "/compare?runs=a,b"
    whole = CompareView(("a",), align="midpoint", xlog=True, hidden=("5", "a,b"), start=-5, end=9)
    assert address_of(whole) == (
        "/compare?runs=a&align=midpoint&xlog=1&from=-5&to=9&hidden=5&hidden=a,b"
    )
    assert unique(["a,b", "b", " c ,"]) == ("a", "b", "c")


def test_what_cannot_be_is_said_and_set_to_what_is_usual():
    runs = chosen()
    view = CompareView(IDS, series="x", group="task.classes", align="end", view="3d", baseline="z")

    found, said = settled(view, runs.groups, runs.ids)

    assert found == CompareView(IDS)
    assert len(said) == 5
    assert any("task.labels" in sentence for sentence in said)
    with pytest.raises(Invalid, match="x"):
        check(view, runs.groups, runs.ids)
    check(replace(view, **vars(CompareView(IDS))), runs.groups, runs.ids)
