"""Studies: what a request expands to, what it is refused for, and the studies of the paper."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.schemas.config import RunConfig
from app.schemas.presets import PRESETS
from app.schemas.studies.expansion import Expansion, StudyError, axes_of, config_fields, expand
from app.schemas.studies.presets import STUDY_PRESETS
from app.schemas.studies.request import StudyRequest
from tests.paper_runs import every_run

SEEDS = {"field": "seeds.initial", "values": [5, 6]}
LABELS = {"field": "task.labels", "values": [1]}
CLAMPS = {"field": "program", "values": [[], {"preset": "match"}]}
INDUCTION = {"kind": "set_pattern", "target": "induction", "site": "L1H3.pattern[query]"}
SILENCED = {"kind": "ablate", "site": "L1H3.v"}


def expanded(**request) -> Expansion:
    return expand(StudyRequest.model_validate(request))


def test_a_grid_is_every_value_with_every_other_the_last_axis_fastest():
    runs = expanded(axes=[CLAMPS, SEEDS]).runs

    assert [one.name for one in runs] == [
        "Unclamped, initial weights seed 5",
        "Unclamped, initial weights seed 6",
        "Match fixed, initial weights seed 5",
        "Match fixed, initial weights seed 6",
    ]
    assert runs[3].values == {"program": "Match fixed", "seeds.initial": "6"}
    match = next(preset for preset in PRESETS if preset.id == "match")
    assert runs[3].config.program == match.config.program
    assert runs[3].config.seeds.initial == 6
    assert runs[3].config.training == RunConfig().training


def test_a_list_takes_the_first_values_together_then_the_second():
    runs = expanded(axes=[CLAMPS, SEEDS], combine="zip").runs

    assert [list(one.values.values()) for one in runs] == [
        ["unclamped", "5"],
        ["Match fixed", "6"],
    ]


def test_runs_that_are_given_one_by_one_are_changed_by_every_axis():
    runs = [{"name": "ten labels", "changes": {"task": {"labels": 10}}}, {}]
    found = expanded(runs=runs, axes=[SEEDS])

    assert [one.values["run"] for one in found.runs] == ["ten labels"] * 2 + ["run 2"] * 2
    assert [one.config.task.labels for one in found.runs] == [10, 10, 5, 5]
    assert {one.config.task.classes for one in found.runs} == {50}


def test_a_setting_of_a_clamp_can_vary():
    axis = {"field": "program.0.strength", "values": [1, 0.25]}
    runs = expanded(base={"program": [INDUCTION]}, axes=[axis]).runs

    assert [one.name for one in runs] == ["Strength 1", "Strength 0.25"]
    assert [one.config.program[0].strength for one in runs] == [1, 0.25]


def test_equal_configs_are_one_run_whatever_they_are_called():
    values = [[SILENCED], [{**SILENCED, "from_sequences": 0}], []]
    found = expanded(axes=[{"field": "program", "values": values, "labels": ["a", "b", "c"]}])

    assert [one.name for one in found.runs] == ["A", "C"]
    assert found.duplicates == [("B", "A")]


@pytest.mark.parametrize(
    ("request_", "loc", "message"),
    [
        ({"axes": [{"field": "seeds.inital", "values": [1]}]}, "/axes/0/field", "is no field"),
        ({"axes": [SEEDS, SEEDS]}, "/axes/1/field", "varies already"),
        ({"axes": [{**SEEDS, "labels": ["one"]}]}, "/axes/0/labels", "1 labels for 2 values"),
        ({"axes": [SEEDS, {"field": "task.labels", "values": [5, 6, 1]}]}, "/axes/1/values/2", "1"),
        (
            {"axes": [LABELS, {"field": "task.classes", "values": [9]}]},
            "/axes/0/values/0",
            "Labels 1, training classes 9",
        ),
        (
            {"axes": [{"field": "program", "values": [{"preset": "x"}]}]},
            "/axes/0/values/0",
            "match",
        ),
        (
            {"axes": [CLAMPS, {"field": "model.heads", "values": [8, 2]}]},
            "/axes/0/values/1",
            "Match fixed, heads 2",
        ),
        (
            {"axes": [{"field": "program", "values": [[], [SILENCED, SILENCED]]}, SEEDS]},
            "/axes/0/values/1",
            "seed 5",
        ),
        ({"axes": [{"field": "program.1.by", "values": [1]}]}, "/axes/0/field", "no clamp 1"),
        ({"runs": [{}, {"changes": {"task": {"labels": 1}}}]}, "/runs/1/changes", "Run 2"),
        ({"runs": [{"changes": {"tasks": {}}}]}, "/runs/0/changes", "Run 1"),
        (
            {"axes": [SEEDS, {**CLAMPS, "values": [[]]}], "combine": "zip"},
            "/axes/1/values",
            "1 val",
        ),
        (
            {
                "axes": [
                    {"field": f"seeds.{s}", "values": [*range(40)]} for s in ("initial", "data")
                ]
            },
            "/axes",
            "1,600 runs",
        ),
    ],
)
def test_what_cannot_be_is_refused_at_the_value_that_makes_it_so(request_, loc, message):
    with pytest.raises(StudyError, match=message) as caught:
        expanded(**request_)

    assert caught.value.loc == loc


AXES = {
    "seeds.initial": st.integers(0, 9),
    "seeds.data": st.integers(0, 9),
    "training.learning_rate": st.sampled_from([1e-5, 3e-5, 1e-4]),
    "training.batch_size": st.sampled_from([16, 32, 32.0]),
    "task.labels": st.sampled_from([3, 5, "5", 10]),
    "model.attn_bias": st.booleans(),
    "program": st.sampled_from([[], [SILENCED], {"preset": "match"}, {"preset": "unclamped"}]),
}


@st.composite
def axes(draw: st.DrawFn) -> list[dict]:
    fields = draw(st.lists(st.sampled_from(sorted(AXES)), unique=True, max_size=3))
    return [
        {"field": field, "values": draw(st.lists(AXES[field], min_size=1, max_size=4))}
        for field in fields
    ]


@settings(max_examples=60, deadline=None)
@given(axes())
def test_every_run_is_valid_and_unique_and_has_its_values_and_all_are_there(axes):
    request = StudyRequest.model_validate({"axes": axes})
    found = expand(request)

    hashes = {one.config_hash for one in found.runs}
    assert len(hashes) == len(found.runs)
    expected = 1
    for axis in axes:
        expected *= len(axis["values"])
    assert len(found.runs) + len(found.duplicates) == expected
    for one in found.runs:
        assert RunConfig.model_validate(one.config.model_dump()) == one.config
        assert set(one.values) == {axis["field"] for axis in axes}
    labels = axes_of(request, found.runs)
    for one in found.runs:
        assert all(one.values[field] in labels[field] for field in labels)


def test_every_option_of_the_config_can_be_an_axis():
    content = RunConfig().model_dump(mode="json")
    for field in config_fields():
        section, option = field.split(".")
        value = content[section][option]
        [one] = expanded(axes=[{"field": field, "values": [value]}]).runs
        assert one.config == RunConfig(), field


@pytest.mark.parametrize("preset", STUDY_PRESETS, ids=lambda preset: preset.id)
def test_every_preset_is_a_study_without_duplicates(preset):
    found = expand(preset.request)

    assert found.duplicates == []
    assert len(found.runs) > 4


def test_the_papers_runs_are_those_of_its_scripts():
    [request] = [preset.request for preset in STUDY_PRESETS if preset.id == "paper"]
    runs = expand(request).runs

    assert len(runs) == 32
    assert sum(one.config.training.total_sequences for one in runs) == 26_200_000
    assert runs[0].config == RunConfig()
    sizes = {(one.config.task.classes, one.config.task.labels) for one in runs}
    assert sizes == {(50, 5), (100, 5), (200, 5), (50, 10), (50, 15)}
    kept = {one.config.program for one in runs[1:9]}
    assert len(kept) == 8
    lengths = [one.config.training.sequences for one in runs]
    assert [lengths.count(n) for n in (1_000_000, 600_000, 2_000_000, 300_000)] == [9, 6, 5, 12]


def test_every_run_of_the_paper_is_97_that_differ():
    donors = [f"run{seed}@1000000" for seed in (5, 6, 7)]
    found = expanded(runs=every_run(donors))

    assert (len(found.runs), len(found.duplicates)) == (97, 2)
    assert all("seed" in name for name, _ in found.duplicates)


def test_axes_of_several_values_multiply():
    fields = ("seeds.initial", "seeds.data", "seeds.evaluation")
    axes = [{"field": field, "values": [1, 2, 3]} for field in fields]
    seen = {tuple(one.values.values()) for one in expanded(axes=axes).runs}

    assert seen == set(product("123", repeat=3))
