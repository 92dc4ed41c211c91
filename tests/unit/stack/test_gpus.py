"""Which GPUs the stack gives to workers."""

import pytest

from app.stack import gpus as module
from app.stack.gpus import gpus


@pytest.fixture
def driver(tmp_path, monkeypatch):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for bus in ("0000:17:00.0", "0000:65:00.0"):
        (tmp_path / bus).mkdir()
    return tmp_path


def test_there_is_one_for_each_that_the_driver_has(driver, monkeypatch):
    monkeypatch.setattr(module, "version", lambda name: "2.13.0")

    assert gpus(driver) == ["cuda:0", "cuda:1"]
    assert gpus(driver / "nowhere") == []


def test_a_container_is_given_those_of_its_own_device_files(driver, monkeypatch, tmp_path_factory):
    """The driver lists those of the whole machine there, too."""
    monkeypatch.setattr(module, "version", lambda name: "2.13.0")
    nodes = tmp_path_factory.mktemp("dev")
    for node in ("nvidia1", "nvidiactl", "nvidia-uvm"):
        (nodes / node).touch()

    assert gpus(driver, nodes) == ["cuda:0"]


def test_those_that_are_visible_are_counted_from_0(driver, monkeypatch):
    monkeypatch.setattr(module, "version", lambda name: "2.13.0")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert gpus(driver) == ["cuda:0"]
    for hides_all in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hides_all)
        assert gpus(driver) == []


def test_a_torch_for_processors_uses_none(driver, monkeypatch):
    monkeypatch.setattr(module, "version", lambda name: "2.13.0+cpu")

    assert gpus(driver) == []
