"""Files of the checkpoint store: whole or absent, and only ever what was written."""

import os
from pathlib import Path

import numpy as np
import pytest

from worker.recording.store import (
    MEAN,
    SECOND,
    DamagedFileError,
    Store,
    StoreAwayError,
    moment_of,
    weights_of,
)

WEIGHTS = {"embed": np.arange(6, dtype=np.float32).reshape(2, 3), "bias": np.zeros(3, np.float32)}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path.as_uri(), "run1")


def test_weights_come_back_bit_for_bit_from_where_they_are_said_to_be(store, tmp_path):
    file = store.save_checkpoint(1, 5024, WEIGHTS)

    arrays, _ = store.load(file)

    assert file.url == f"{tmp_path.as_uri()}/run1/00000005024-1.safetensors"
    assert file.size == (tmp_path / "run1" / "00000005024-1.safetensors").stat().st_size
    assert arrays.keys() == WEIGHTS.keys()
    assert all(arrays[name].tobytes() == WEIGHTS[name].tobytes() for name in WEIGHTS)


def test_an_array_that_is_a_view_is_saved_as_it_reads(store):
    view = np.arange(6, dtype=np.float32).reshape(2, 3).T

    arrays, _ = store.load(store.save_checkpoint(1, 0, {"embed": view}))

    assert np.array_equal(arrays["embed"], view)


def test_the_weights_of_a_checkpoint_can_be_read_without_the_optimiser(store):
    moments = {f"{MEAN}embed": WEIGHTS["embed"] + 1, f"{SECOND}embed": WEIGHTS["embed"] + 2}
    bare, whole = (
        store.save_checkpoint(1, 0, WEIGHTS),
        store.save_checkpoint(1, 32, WEIGHTS | moments),
    )

    arrays, notes = store.load(whole)

    assert (bare.has_optimiser, whole.has_optimiser) == (False, True)
    assert weights_of(arrays).keys() == WEIGHTS.keys()
    assert np.array_equal(moment_of(arrays, SECOND)["embed"], WEIGHTS["embed"] + 2)
    assert notes == {"sequences": "32", "optimiser_from": "0"}


def test_a_resume_point_keeps_the_elapsed_time_exactly(store):
    file = store.save_resume_point(2, 32, 0.1 + 0.2, WEIGHTS)

    _, notes = store.load(file)

    assert float(notes["elapsed_seconds"]) == 0.1 + 0.2


def test_stores_of_other_kinds_hold_the_same(tmp_path):
    store = Store("memory://checkpoints", "run1")
    file = store.save_checkpoint(1, 0, WEIGHTS)

    assert np.array_equal(store.load(file)[0]["embed"], WEIGHTS["embed"])
    store.remove(file.url)
    with pytest.raises(DamagedFileError, match="is missing"):
        store.load(file)


def test_a_changed_file_is_not_loaded(store, tmp_path):
    file = store.save_checkpoint(1, 0, WEIGHTS)
    path = tmp_path / "run1" / "00000000000-1.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x01")

    with pytest.raises(DamagedFileError, match="SHA-256"):
        store.load(file)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(store, tmp_path, monkeypatch):
    file = store.save_checkpoint(1, 0, WEIGHTS)

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        store.save_checkpoint(1, 0, {"embed": np.ones(9, np.float32)})

    assert np.array_equal(store.load(file)[0]["embed"], WEIGHTS["embed"])
    assert list(Path(tmp_path / "run1").iterdir()) == [
        tmp_path / "run1" / "00000000000-1.safetensors"
    ]


def test_what_is_gone_can_be_removed_again(store):
    file = store.save_checkpoint(1, 0, WEIGHTS)

    store.remove(file.url)
    store.remove(file.url)

    with pytest.raises(DamagedFileError, match="is missing"):
        store.load(file)


def test_a_file_that_cannot_be_read_just_now_is_not_taken_for_a_damaged_one(store, tmp_path):
    file = store.save_checkpoint(1, 0, WEIGHTS)
    path = tmp_path / "run1" / "00000000000-1.safetensors"
    path.rename(tmp_path / "aside")
    path.mkdir()  # reading it is an error, which is not that it is missing

    with pytest.raises(StoreAwayError, match="cannot be read at present"):
        store.load(file)


def test_attempts_at_the_same_place_have_files_of_their_own(store):
    stale, current = (store.save_checkpoint(attempt, 0, WEIGHTS) for attempt in (1, 2))

    assert stale.url != current.url
    assert stale.sha256 == current.sha256


def test_a_place_whose_name_has_blanks_is_written_there_and_nowhere_else(tmp_path):
    root = tmp_path / "my data, 50 % ü"
    store = Store(root.as_uri(), "run1")

    file = store.save_checkpoint(1, 0, WEIGHTS)

    assert [path.name for path in tmp_path.iterdir()] == [root.name]
    assert (root / "run1" / "00000000000-1.safetensors").exists()
    assert np.array_equal(store.load(file)[0]["embed"], WEIGHTS["embed"])
    store.remove(file.url)
    assert [*root.rglob("*.safetensors")] == []
