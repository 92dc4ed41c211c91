"""A GPU that torch cannot use is no reason for a run to fail, but one for a sentence."""

import pytest
import torch

from worker.science.machine.devices import choose_device
from worker.training import unused_gpu as module
from worker.training.unused_gpu import unused_gpu

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="torch can use the GPU here")


@without_gpu
@pytest.mark.parametrize("wanted", ["auto", "auto:0", "auto:1"])
def test_left_to_us_it_is_the_processor(wanted):
    assert choose_device(wanted) == torch.device("cpu")


@without_gpu
def test_a_gpu_that_is_there_and_cannot_be_used_is_told_in_torchs_words(monkeypatch):
    assert unused_gpu("auto") == ""  # there is none
    monkeypatch.setattr(module, "gpus", lambda: ["cuda:0"])

    said = unused_gpu("auto:0")

    assert said.startswith("The GPU of this machine is not used, for torch ")
    assert said.endswith(". It trains on the processor.")
    assert "CUDA" in said or "NVIDIA" in said
    assert unused_gpu("cpu") == ""  # as was wished


def test_devices_that_are_none_are_refused():
    with pytest.raises(ValueError, match="write auto, cpu, cuda"):
        choose_device("auto:x")
