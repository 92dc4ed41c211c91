"""What is replayed from C++ is what the compiled function does, bit for bit, or it is refused."""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from app.schemas.clamps.kinds import Ablate, InductionPattern, PerfectCopy, Program
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig, TaskConfig, TrainingConfig
from tests.unit.science.support import small
from worker.science.data.sampler import BLOCK
from worker.science.data.sequences import TrainingSequences
from worker.science.machine import capture, processor
from worker.science.machine.compiler import Compiled, cxx
from worker.science.machine.kernels import Kernel, Number
from worker.science.machine.replay import NotReplayableError
from worker.science.training.loop import Trainer
from worker.science.training.updates import ReplayedUpdates, Updates

pytestmark = [
    pytest.mark.skipif(cxx() is None, reason="needs a C++ compiler, which this machine lacks"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's own, while it traces
]


def update(weight: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Kernels and products, small and wide, plain and turned, alone and in stacks."""
    y = torch.tanh(weight @ x)
    return weight - (y @ x.mT).sin() / 100, (y.mT @ weight)[None].bmm(y[None])[0].cos()


@pytest.fixture(scope="module")
def compiled() -> Compiled[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    function = Compiled(update, enabled=True)
    function.warm_up(torch.ones(64, 64), torch.ones(64, 700))
    return function


@pytest.fixture(autouse=True)
def _without_gradients(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(processor, "is_onednn_faster", lambda: True)  # so that oneDNN is used, too
    with torch.no_grad():
        yield


def test_a_replay_goes_on_by_itself_and_its_state_changes_places(compiled) -> None:
    weight, batches = torch.randn(64, 64) / 8, torch.randn(5, 64, 700)
    captured = compiled.captured(weight, batches[0])
    state, other, seen = weight.clone(), torch.empty_like(weight), torch.empty(700, 700)

    captured(
        [state, batches[0], other, seen],
        times=5,
        next=[state, batches[1], other, seen],
        swapped=[(0, 2)],
    )

    for batch in batches:
        weight, last = compiled(weight, batch)
    assert torch.equal(other, weight)
    assert torch.equal(seen, last)
    assert compiled.notice == ""


def test_arguments_may_share_a_place_when_captured_and_lie_apart_later(compiled) -> None:
    square = torch.randn(64, 64)
    compiled_for_squares = Compiled(update, enabled=True)
    compiled_for_squares.warm_up(square, square[:])
    captured = compiled_for_squares.captured(square, square[:])
    weight, x, made = torch.randn(64, 64), torch.randn(64, 64), torch.empty(2, 64, 64)

    captured([weight, x, *made])

    for ours, expected in zip(made, compiled_for_squares(weight, x), strict=True):
        assert torch.equal(ours, expected)


def test_a_tensor_that_is_given_twice_is_another_program_than_two(compiled) -> None:
    square, other = torch.randn(2, 64, 64)

    assert compiled.captured(square, square) is not compiled.captured(square, other)


def test_what_diverges_is_replayed_all_the_same(compiled) -> None:
    nothing = torch.full((64, 64), torch.nan)

    assert capture.captured(compiled._call, nothing, torch.ones(64, 700))


def test_what_cannot_be_replayed_is_called_and_says_so() -> None:
    function = Compiled(lambda x: torch.linalg.cholesky(x @ x.mT + 1).sin(), enabled=True)

    assert function.captured(torch.eye(3)) is None
    assert "aten.linalg_cholesky_ex" in function.notice


def test_a_replay_that_lacks_a_call_is_refused(compiled, monkeypatch: pytest.MonkeyPatch) -> None:
    noted = capture._Recorder.note

    def overhears(self: capture._Recorder, kernel: Kernel, given: Sequence[Number]) -> None:
        if kernel.name != "kernel_0":
            noted(self, kernel, given)

    monkeypatch.setattr(capture._Recorder, "note", overhears)

    with pytest.raises(NotReplayableError, match="other results"):
        capture.captured(compiled._call, torch.randn(64, 64), torch.randn(64, 700))


def _config(program: Program = (), **task: Any) -> RunConfig:
    return small.config(
        program,
        task=TaskConfig(dataset="gaussian", **({"classes": 10, "new_classes": 5} | task)),
        training=TrainingConfig(sequences=16 * (BLOCK + 60), batch_size=16, learning_rate=1e-3),
    )


def _trainers(config: RunConfig) -> tuple[Trainer, Trainer]:
    """One that replays, and one with the same program that is called."""
    data = small.dataset(config)
    replayed = Trainer([config], [data])
    called = Trainer([config], [data], programs=replayed.programs)
    called._updates = Updates(
        replayed._step,
        [config],
        TrainingSequences([config], [data]),
        called._program,
        called._state,
        [0],
    )
    return replayed, called


@pytest.mark.slow
@pytest.mark.parametrize(
    "config",
    [
        _config(
            (
                Ablate(site=Site.parse("L1H0.v")),
                InductionPattern(site=Site.parse("L1H1.pattern[query]"), from_sequences=16 * 7 + 3),
            )
        ),
        _config((PerfectCopy(site=Site.parse("L1H0.score[query]")),), classes=60, input_noise=0.1),
    ],
    ids=["a window that opens in a batch", "two passes, noise, and more classes than a batch has"],
)
def test_replayed_updates_are_those_of_the_compiled_step(config: RunConfig) -> None:
    replayed, called = _trainers(config)

    for count in (1, 6, BLOCK, 40):  # one, an even number, over the end of a block
        replayed.train(count)
        called.train(count)
        for ours, expected in zip(replayed._state, called._state, strict=True):
            assert torch.equal(ours, expected)
        assert torch.equal(replayed.batch_loss, called.batch_loss)
    assert isinstance(replayed._updates, ReplayedUpdates)
    assert replayed._updates._captured is not None
    assert replayed.notices == ()
