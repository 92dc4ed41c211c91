"""Every request checks its texts, and takes no boolean for a number."""

import importlib
import pkgutil

import pytest
from pydantic import ValidationError

import app.schemas
from app.schemas.api.runs import ForkRequest, LaunchRequest, RunPatch
from app.schemas.config import RunConfig
from app.schemas.studies.request import StudyRequest
from app.schemas.text import Body, flaws, shown


def _requests():
    for module in pkgutil.walk_packages(app.schemas.__path__, "app.schemas."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, type) and name.endswith(("Request", "Patch")):
                yield value


def test_whatever_a_request_sends_is_a_body():
    found = set(_requests())

    assert len(found) >= 8
    assert all(issubclass(one, Body) for one in found)


@pytest.mark.parametrize(
    ("model", "content", "loc"),
    [
        (LaunchRequest, {"priority": False}, ("priority",)),
        (LaunchRequest, {"config": {"model": {"layers": True}}}, ("config", "model", "layers")),
        (RunPatch, {"priority": True}, ("priority",)),
        (ForkRequest, {"sequences": True}, ("sequences",)),
        (ForkRequest, {"sequences": 0, "learning_rate": True}, ("learning_rate",)),
        (StudyRequest, {"priority": True}, ("priority",)),
        (RunConfig, {"task": {"held_out_pairs": [[True, 2]]}}, ("task", "held_out_pairs")),
        (RunConfig, {"program": [{"kind": "scale", "site": "L1.z", "by": False}]},
         ("program", 0, "scale", "by")),
        (RunConfig, {"program": [{"kind": "set", "site": "L1.z", "value": [True]}]},
         ("program", 0, "set", "value")),
    ],
)  # fmt: skip
def test_a_boolean_is_no_number(model, content, loc):
    with pytest.raises(ValidationError) as caught:
        model.model_validate(content)

    assert [one["loc"] for one in caught.value.errors()] == [loc]
    assert "not true or false" in caught.value.errors()[0]["msg"]


def test_a_number_is_no_boolean():
    with pytest.raises(ValidationError, match="Write true or false"):
        RunConfig.model_validate({"model": {"attn_bias": 0}})


def test_a_boolean_stays_one_where_it_is_meant():
    assert RunConfig.model_validate({"model": {"attn_bias": False}}).model.attn_bias is False


def test_flaws_are_found_however_deep():
    deep = value = []
    for _ in range(10_000):  # ten times as deep as a stack; each place is as long as it is deep
        value.append([])
        value = value[0]
    value.append("\0")

    ((place, text, _),) = flaws(deep)

    assert (len(place), text) == (10_001, "\0")


def test_what_cannot_be_written_is_shown_as_its_escape():
    assert shown("a\ud800ü") == "a\\ud800ü"
