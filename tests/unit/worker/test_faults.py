"""Errors as users read them: one sentence, and a kind that programs can tell apart."""

import pytest
from pydantic import ValidationError

from app.schemas.config import RunConfig
from worker.recording.store import StoreAwayError
from worker.science.data.datasets import DatasetError
from worker.training.faults import fault_of


@pytest.mark.parametrize(
    ("error", "kind", "sentence"),
    [
        (
            DatasetError("a.npz has no array 'features'."),
            "bad_data_file",
            "a.npz has no array 'features'.",
        ),
        (MemoryError(), "out_of_memory", "ran out of memory"),
        (
            RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 GB"),
            "out_of_memory",
            "ran out of memory",
        ),
        (RuntimeError("shapes differ\nTraceback"), "internal", "RuntimeError: shapes differ"),
        (ZeroDivisionError(), "internal", "ZeroDivisionError"),
        (OSError(28, "No space", "/data/x"), "disk_full", "The disk is full (/data/x)"),
        (StoreAwayError("s3://b/x cannot be read at present: 503"), "store_away", "s3://b/x"),
    ],
)
def test_an_error_becomes_a_kind_and_a_sentence(error, kind, sentence):
    said = fault_of(error)

    assert said[0] == kind
    assert sentence in said[1]
    assert "\n" not in said[1]


def test_a_config_that_is_no_longer_valid_is_named_by_its_field():
    with pytest.raises(ValidationError) as caught:
        RunConfig.model_validate({"model": {"layers": 0}, "speed": 1})

    kind, message = fault_of(caught.value)

    assert kind == "config"
    assert "model.layers: " in message
    assert "speed: " in message
