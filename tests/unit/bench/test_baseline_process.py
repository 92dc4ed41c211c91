"""The process that answers for the baseline, or does not."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.schemas.config import RunConfig
from worker.bench import baseline_process, cohorts
from worker.bench.baseline_process import BaselineProcess
from worker.bench.track import Pace
from worker.offline import say

ANSWERS = """
import json, sys
print(json.dumps({"version": "1.2", "device": sys.argv[1][-8:]}), flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    if asked["sequences"] == 13:
        sys.exit("thirteen is too many")
    answer = {"sequences": asked["sequences"], "seconds": 2.0, "cpu_seconds": 3.0}
    print(json.dumps(answer), flush=True)
"""


@pytest.fixture
def baseline(tmp_path: Path) -> Iterator[BaselineProcess]:
    """A process that answers as the baseline does: test_baseline.py has that."""
    command = [sys.executable, "-c", ANSWERS]
    with BaselineProcess.started(RunConfig(), tmp_path, command) as process:
        yield process


def test_the_baseline_is_asked_for_laps(baseline: BaselineProcess) -> None:
    assert baseline.about == "JAX 1.2 on task.npz"
    assert baseline.lap(640, 320) == Pace(640, 2.0, 3.0)
    assert baseline.lap(320, 320).speed == 160


def test_a_baseline_that_ends_says_why(baseline: BaselineProcess) -> None:
    with pytest.raises(ValueError, match="the baseline has ended: thirteen is too many"):
        baseline.lap(13, 1)


def test_without_jax_it_is_said_how_to_have_a_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert baseline_process.is_installed()
    monkeypatch.setattr(baseline_process, "NEEDED", ("jax", "no_such_package"))

    with cohorts.baseline_of(tmp_path) as none:
        say("our own numbers")

    assert none is None
    assert "pip install 'optoscope[bench]'" in capsys.readouterr().out
