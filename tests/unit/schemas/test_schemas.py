"""The shared kernel: configs, their hash, presets, states and words."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from app.schemas.clamps.describe import describe
from app.schemas.config import RunConfig, TrainingConfig
from app.schemas.presets import PRESETS
from app.schemas.state import ACTIVE, ALLOWED, TERMINAL, RunState, may_move
from app.schemas.words import enumerate_words, head_name


def test_defaults_are_the_papers_settings() -> None:
    config = RunConfig()

    assert (config.model.layers, config.model.heads, config.model.width) == (2, 8, 64)
    assert (config.task.classes, config.task.labels, config.task.context_pairs) == (50, 5, 2)
    assert (config.training.batch_size, config.training.learning_rate) == (32, 1e-5)
    assert config.training.updates == 31_250


def fields(model: type[BaseModel]) -> list[tuple[str, object]]:
    found = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found += fields(inner)
        elif name != "program":
            found.append((name, field))
    return found


@pytest.mark.parametrize(("name", "field"), fields(RunConfig))
def test_every_option_says_what_it_is(name: str, field) -> None:
    assert field.title
    assert field.description.endswith(".")
    assert "unit" in field.json_schema_extra
    assert not field.is_required()


def test_equal_experiments_have_equal_hashes() -> None:
    one = {"kind": "ablate", "site": "L1H3.v"}
    two = {"kind": "ablate", "site": "L0H1.v"}

    first = RunConfig.model_validate({"program": [one, two]})
    second = RunConfig.model_validate({"program": [two, one]})

    assert first.config_hash == second.config_hash
    assert first.config_hash != RunConfig().config_hash


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_presets_survive_a_round_trip_through_json(preset) -> None:
    again = RunConfig.model_validate_json(preset.config.model_dump_json())

    assert again == preset.config
    assert json.dumps(again.model_dump(mode="json"))


@pytest.mark.parametrize(
    ("change", "place", "message"),
    [
        ({"model": {"width": 63}}, ("model",), "width 63 is not a multiple of 8 heads"),
        ({"task": {"labels": 2}}, ("task",), "2 labels in context need more than 2 labels"),
        ({"task": {"burstiness": 2}}, ("task",), "the context needs two classes"),
        ({"task": {"context_pairs": 3, "burstiness": 2}}, ("task",), "does not divide 3"),
        ({"task": {"dataset": "mnist"}}, ("task", "dataset"), "match pattern"),
        ({"recording": {"frame_every": 7}}, ("recording",), "frame_every must be a multiple"),
        ({"training": {"learning_rate": "nan"}}, ("training", "learning_rate"), "finite"),
        ({"training": {"epochs": 3}}, ("training", "epochs"), "not permitted"),
        ({"program": [{"kind": "ablate", "site": "L1H9.v"}]}, ("program", 0), "heads 0 to 7"),
    ],
)
def test_what_cannot_be_is_refused_at_its_place(change, place, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate(change)

    (error,) = caught.value.errors()
    assert error["loc"][: len(place)] == place
    assert message in error["msg"]


@given(st.integers(1, 10**7), st.integers(1, 4096))
def test_the_last_batch_is_never_cut_short(sequences: int, batch_size: int) -> None:
    training = TrainingConfig(sequences=sequences, batch_size=batch_size)

    assert training.total_sequences % batch_size == 0
    assert 0 <= training.total_sequences - sequences < batch_size


def test_what_has_ended_never_moves_and_what_has_not_can_be_ended() -> None:
    for state in RunState:
        assert bool(ALLOWED[state]) == (state not in TERMINAL)
        if state in ACTIVE:
            assert may_move(state, RunState.FAILED)
    assert not may_move(RunState.QUEUED, RunState.RUNNING)


def test_programs_are_told_in_the_papers_words() -> None:
    previous_token = {"kind": "set_pattern", "target": "previous_token", "strength": 0.5}
    previous_token["site"] = "L0.pattern"
    config = RunConfig.model_validate(
        {
            "program": [
                {"kind": "set_pattern", "site": "L1H3.pattern[query]", "target": "induction"},
                {"kind": "ablate", "site": "L1H0,1.v"},
                previous_token,
            ]
        }
    )

    assert list(describe(config.program, layers=2, heads=8)) == [
        "Layer 2, head 3 always attends from the query to the correct label.",
        "Layer 2, heads 0 and 1 are silenced: they write nothing.",
        "All heads of layer 1 always attend from every token to the token before it, "
        "with strength 0.5 and the rest on itself.",
    ]
    assert head_name(1, 3) == "Layer 2, head 3"
    assert enumerate_words(["a", "b", "c"]) == "a, b and c"
