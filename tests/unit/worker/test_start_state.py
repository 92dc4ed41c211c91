"""What a run starts from: its resume point, its parent's checkpoint, or a sentence why not."""

from dataclasses import replace

import pytest
import torch

from app.db.recording import StoredFile
from tests.unit.science.support import small
from worker.recording.store import DamagedFileError, Store
from worker.science.training.loop import TrainerState, cohort_shape
from worker.training.faults import fault_of
from worker.training.start_state import ForkPoint, Saved, checkpoint_arrays, load_start_state

CONFIG = small.config()
SHAPE = cohort_shape(CONFIG, small.dataset(CONFIG))


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path.as_uri(), "parent")


@pytest.fixture
def state() -> TrainerState:
    """After 64 sequences, with an optimiser that began at 32."""
    generator = torch.Generator().manual_seed(0)
    names = ("parameters", "mean", "second")
    tensors = {name: torch.rand(SHAPE.count, generator=generator) for name in names}
    return TrainerState(64, 1.5, tensors, optimiser_from=32)


@pytest.fixture
def checkpoint(store, state) -> StoredFile:
    weights = SHAPE.unflatten(state.tensors["parameters"])
    return store.save_checkpoint(1, 64, checkpoint_arrays(weights, state, SHAPE), 32)


def fork_point(file: StoredFile | None, *, keeps_optimiser: bool = True) -> Saved:
    return Saved(None, ForkPoint(64, file, keeps_optimiser, elapsed_seconds=1.5))


def assert_equal(ours: TrainerState, theirs: TrainerState) -> None:
    assert replace(ours, tensors={}) == replace(theirs, tensors={})
    for name, tensor in theirs.tensors.items():
        assert torch.equal(ours.tensors[name], tensor), name


def test_a_run_without_anything_saved_starts_from_its_seed(store):
    assert load_start_state(store, Saved(None, None), SHAPE) == (None, ())


def test_a_fork_that_keeps_the_optimiser_starts_from_all_that_the_checkpoint_holds(
    store, state, checkpoint
):
    start, notices = load_start_state(store, fork_point(checkpoint), SHAPE)

    assert checkpoint.has_optimiser
    assert_equal(start, replace(state, is_fork=True))
    assert notices == ()


def test_a_fork_that_resets_the_optimiser_starts_with_moments_of_0_that_count_from_there(
    store, state, checkpoint
):
    start, _ = load_start_state(store, fork_point(checkpoint, keeps_optimiser=False), SHAPE)

    moments = {name: torch.zeros(SHAPE.count) for name in ("mean", "second")}
    tensors = state.tensors | moments
    assert_equal(start, replace(state, is_fork=True, optimiser_from=64, tensors=tensors))


def test_a_fork_goes_on_at_its_own_resume_point(store, state, checkpoint):
    arrays = {name: tensor.numpy() for name, tensor in state.tensors.items()}
    point = store.save_resume_point(1, 64, 1.5, arrays, optimiser_from=32)

    start, _ = load_start_state(store, replace(fork_point(checkpoint), resume=point), SHAPE)

    assert_equal(start, state)


def test_a_fork_whose_resume_point_is_damaged_starts_again_from_the_fork(store, checkpoint):
    gone = StoredFile(128, checkpoint.url + "x", 1, "0" * 64)

    start, (notice,) = load_start_state(store, replace(fork_point(checkpoint), resume=gone), SHAPE)

    assert start.is_fork
    assert notice.startswith("The run starts again from its fork:")


def test_a_fork_whose_checkpoint_is_damaged_fails_with_a_sentence(store, tmp_path, checkpoint):
    (tmp_path / "parent" / "00000000064-1.safetensors").write_bytes(b"something else")

    with pytest.raises(DamagedFileError) as error:
        load_start_state(store, fork_point(checkpoint), SHAPE)

    kind, sentence = fault_of(error.value)
    assert kind == "checkpoint"
    assert sentence.startswith("The fork at 64 sequences cannot start: file:///")
    assert "SHA-256 differs" in sentence


def test_a_fork_whose_checkpoint_is_not_known_fails_with_a_sentence(store):
    with pytest.raises(DamagedFileError, match="weights of the fork at 64 sequences"):
        load_start_state(store, fork_point(None), SHAPE)
