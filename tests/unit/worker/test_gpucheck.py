"""The check of GPUs, on a processor: the same script, which needs next to nothing installed."""

import json
import subprocess
import sys

import pytest
import torch

from worker.bench.gpucheck import equality

ELSE = ("sqlalchemy", "psycopg", "celery", "redis", "fastapi", "fsspec", "safetensors", "h5py")
ALONE = f"""
import runpy, sys
for name in {ELSE}:
    sys.modules[name] = None  # importing it fails, as where it is not installed
sys.argv = ["worker", *sys.argv[1:]]
runpy.run_module("worker", run_name="__main__")
"""


@pytest.mark.slow  # loads torch in a process of its own, and measures what it can
def test_it_runs_where_there_is_only_torch_and_writes_what_it_found(tmp_path):
    out = tmp_path / "check.json"
    options = ["--device", "cpu", "--minutes", "0", "--no-compile", "--out", str(out)]
    done = subprocess.run(
        [sys.executable, "-c", ALONE, "gpucheck", *options],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["limits"]["matrix products (GFLOP/s)"] > 0
    [(name, unclamped)] = found["equality"].items()
    assert name == "unclamped"
    assert unclamped["is_right"]
    assert unclamped["loss_difference"] == 0  # the processor against itself
    assert "no time is left" in done.stdout


def test_a_device_that_does_not_repeat_itself_is_wrong(monkeypatch):
    monkeypatch.setattr(equality, "UPDATES", 8)
    trained, calls = equality._train, []

    def drifting(*args, **options):
        calls.append(args)
        one = trained(*args, **options)
        return equality.Trained(one.losses, one.strengths, one.parameters + 1e-9 * len(calls))

    monkeypatch.setattr(equality, "_train", drifting)
    found = equality.check_program((), torch.device("cpu"), compile=False)

    assert not found["repeats"]
    assert not found["is_right"]


def test_a_device_that_trains_differently_is_wrong(monkeypatch):
    monkeypatch.setattr(equality, "UPDATES", 8)
    trained, calls = equality._train, []

    def shifted(*args, **options):
        calls.append(args)
        one = trained(*args, **options)
        return one if len(calls) == 1 else equality.Trained(one.losses + 1e-3, *one[1:])

    monkeypatch.setattr(equality, "_train", shifted)
    monkeypatch.setattr(
        equality,
        "_resumed",
        lambda *args, **options: trained((), torch.device("cpu"), compile=False).parameters,
    )
    found = equality.check_program((), torch.device("cpu"), compile=False)

    assert found["loss_difference"] > 9e-4
    assert found["repeats"]
    assert found["resumes"]
    assert not found["is_right"]
