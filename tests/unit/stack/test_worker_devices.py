"""Which GPU each worker process is told to train on."""

import pytest

from app.stack.workers.programs import devices


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        # Left to us: a GPU that torch turns out not to be able to use is no reason to fail.
        (None, ["auto:0", "auto:1", "auto:0"]),
        ("auto", ["auto:0", "auto:1", "auto:0"]),
        ("cuda", ["cuda:0", "cuda:1", "cuda:0"]),
    ],
)
def test_workers_take_the_gpus_in_turn(monkeypatch, wanted, told):
    monkeypatch.delenv("OPTOSCOPE_DEVICE", raising=False)
    if wanted:
        monkeypatch.setenv("OPTOSCOPE_DEVICE", wanted)

    found = [one["OPTOSCOPE_DEVICE"] for one in devices(3, ["cuda:0", "cuda:1"])]

    assert found == told


def test_a_device_that_the_user_names_is_left_to_them(monkeypatch):
    monkeypatch.setenv("OPTOSCOPE_DEVICE", "cuda:1")

    assert devices(2, ["cuda:0", "cuda:1"]) == [{}, {}]
