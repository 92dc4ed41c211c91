"""Which runs can be trained together: equal keys mean one compiled program."""

from typing import Any

import pytest

from app.schemas.cohorts import cohort_key
from app.schemas.config import RunConfig
from tests.unit.science.support.clamped import DONOR, shape, weights
from worker.science.clamps.program import Donor, compile_program
from worker.science.training.loop import check_cohort

PRESERVE = {"kind": "preserve", "site": "L1H0.pattern"}
ABLATE = {"kind": "ablate", "site": "L0H0.v"}
GRAFT = {"kind": "graft_in", "site": "L0.resid", "checkpoint": DONOR}
SCALE = {"kind": "scale", "site": "L0H0.v", "by": 0.5}
INDUCTION = {"kind": "set_pattern", "site": "L1H0.pattern[query]", "target": "induction"}
SMALL = {"model": {"heads": 4, "width": 8}}


def config(**parts: Any) -> RunConfig:
    return RunConfig.model_validate(SMALL | parts)


def layout(of: RunConfig) -> object:
    donors = {}
    for name, seed in ((DONOR, 7), ("other@5", 8)):
        plain = of.model_copy(update={"program": ()})
        donors[name] = Donor(plain, shape(of), weights(shape(of), seed), 5)
    return compile_program(of, donors).layout


def program(*clamps: dict[str, Any]) -> dict[str, Any]:
    return {"program": list(clamps)}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"seeds": {"initial": 5}}, {"seeds": {"initial": 6, "data": 7, "dataset": 8}}),
        ({"training": {"learning_rate": 1e-5}}, {"training": {"learning_rate": 1e-3}}),
        ({"task": {"input_noise": 0.1}}, {"task": {"input_noise": 0.2}}),
        ({"task": {"dataset": "glyphs"}}, {"task": {"dataset": "gaussian"}}),
        ({"task": {"classes": 50}}, {"task": {"classes": 200, "new_classes": 20}}),
        ({"training": {"sequences": 3200}}, {"recording": {"evaluate_every": 1000}}),
        (program(ABLATE), program({"kind": "ablate", "site": "L0H1,2,3.v"})),
        (program(INDUCTION), program(INDUCTION | {"site": "L1H2.pattern[query]"})),
        (program(INDUCTION), program(INDUCTION | {"strength": 0.5})),
        (
            program(ABLATE | {"from_sequences": 100}),
            program(ABLATE | {"from_sequences": 500, "until_sequences": 900}),
        ),
        (program(ABLATE, INDUCTION), program(INDUCTION, ABLATE)),
        (program(ABLATE), program(ABLATE, {"kind": "ablate", "site": "L0H2.v"})),
    ],
)
def test_runs_that_differ_in_what_is_data_are_trained_together(one, other):
    pair = [config(**one), config(**other)]

    assert cohort_key(pair[0]) == cohort_key(pair[1])
    check_cohort(pair)
    assert layout(pair[0]) == layout(pair[1])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (program(), program(ABLATE)),
        (program(ABLATE), program(ABLATE | {"site": "L1H0.v"})),
        (program(ABLATE), program(ABLATE | {"site": "L0H0.k"})),
        (program(ABLATE), program(ABLATE | {"from_sequences": 100})),
        (program(ABLATE, PRESERVE), program(ABLATE, PRESERVE | {"gradient": "stop"})),
        (program(ABLATE), program(SCALE)),
        # Two factors on one head are two edits, one after the other; on two heads they are one.
        (program(SCALE, SCALE | {"site": "L0H1.v"}), program(SCALE, SCALE | {"site": "L0H0,1.v"})),
    ],
)
def test_programs_of_other_structure_are_trained_apart(one, other):
    pair = [config(**one), config(**other)]

    assert layout(pair[0]) != layout(pair[1])
    assert cohort_key(pair[0]) != cohort_key(pair[1])


@pytest.mark.parametrize(
    "change",
    [
        {"model": {"heads": 2, "width": 8}},
        {"model": {"heads": 4, "width": 8, "attn_bias": False}},
        {"task": {"labels": 6}},
        {"task": {"context_pairs": 3}},
        {"task": {"dataset": "file:/data/features.npz"}},
        {"task": {"input_noise": 0.1}},
        {"training": {"batch_size": 16}},
        program(GRAFT),
    ],
)
def test_runs_of_other_shape_are_trained_apart(change):
    assert cohort_key(config(**change)) != cohort_key(config())


def test_grafts_of_other_checkpoints_are_trained_apart():
    other = config(**program(GRAFT | {"checkpoint": "other@5"}))

    assert cohort_key(config(**program(GRAFT))) != cohort_key(other)
