"""Data sources: a seed's classes stay the same, their scale makes a plateau, errors are clear."""

import base64
import struct
import sys
import zlib

import h5py
import numpy as np
import pytest
import torch
from torch.nn.functional import normalize

from app.schemas.config import TaskConfig
from worker.science.data.datasets import DatasetError, load_dataset, load_features, thumbnail_uri
from worker.science.data.datasets.encoder import encode

GENERATED = ("glyphs", "gaussian")


def task(dataset, **changes):
    return TaskConfig(dataset=dataset, **{"classes": 20, "new_classes": 20, **changes})


def cosines(features):
    """Of every exemplar with every other, `[class, exemplar, class, exemplar]`."""
    unit = normalize(features, dim=-1)
    return torch.einsum("cef,dgf->cedg", unit, unit)


def saved(path, **arrays):
    np.savez(path, **arrays)
    return path


def features(classes=6, exemplars=3, dim=4):
    return np.random.default_rng(0).normal(size=(classes, exemplars, dim)).astype(np.float32)


@pytest.mark.parametrize("source", GENERATED)
def test_a_seed_always_gives_the_same_dataset_and_another_seed_another(source):
    first, again = (load_dataset(task(source), 3) for _ in range(2))
    other = load_dataset(task(source), 4)

    assert torch.equal(first.features, again.features)
    assert not torch.isclose(first.features, other.features).all(-1).any()


@pytest.mark.parametrize("source", GENERATED)
def test_a_class_does_not_depend_on_how_many_classes_and_exemplars_are_asked_for(source):
    few = load_dataset(task(source), 0)
    many = load_dataset(task(source, classes=45, exemplars=3), 0)

    assert torch.equal(many.features[:40, :5], few.features)
    assert many.class_names[:40] == few.class_names


@pytest.mark.parametrize("source", GENERATED)
def test_a_generated_source_gives_what_the_task_needs_and_four_exemplars_to_test(source):
    dataset = load_dataset(task(source, classes=7, new_classes=5, exemplars=2), 0)

    assert dataset.features.shape == (12, 6, 512)
    assert dataset.features.dtype == torch.float32
    assert len(set(dataset.class_names)) == 12


@pytest.mark.parametrize("source", GENERATED)
def test_features_have_unit_mean_square(source):
    dataset = load_dataset(task(source), 0)

    mean_square = dataset.features.square().mean(-1)

    torch.testing.assert_close(mean_square, torch.ones(40, 5), atol=1e-3, rtol=0)


@pytest.mark.parametrize("source", GENERATED)
def test_classes_share_most_of_their_direction_and_exemplars_more(source):
    similar = cosines(load_dataset(task(source), 0).features)
    same_class = torch.eye(40, dtype=torch.bool)
    same_exemplar = torch.eye(5, dtype=torch.bool)

    between = similar.transpose(1, 2)[~same_class]
    within = similar.transpose(1, 2)[same_class][:, ~same_exemplar]

    assert 0.65 < between.mean() < 0.75
    assert within.mean() > between.mean() + 0.1


def test_glyph_features_do_not_depend_on_the_number_of_threads():
    threads = torch.get_num_threads()
    several = load_dataset(task("glyphs"), 0)
    torch.set_num_threads(1)
    try:
        one = load_dataset(task("glyphs"), 0)
    finally:
        torch.set_num_threads(threads)

    assert torch.equal(one.features, several.features)


def test_a_drawings_features_do_not_depend_on_what_is_encoded_with_it():
    dataset = load_dataset(task("glyphs"), 0)
    drawings = dataset.thumbnails.flatten(0, 1)

    alone = torch.stack([encode(drawing) for drawing in drawings])

    assert torch.equal(alone, dataset.features.flatten(0, 1))


def test_glyph_features_are_rounded_far_above_the_errors_of_a_machine():
    steps = load_dataset(task("glyphs"), 0).features * 4096

    assert torch.equal(steps, steps.round())


def test_glyphs_are_dark_ink_on_white_that_fills_the_canvas():
    thumbnails = load_dataset(task("glyphs"), 0).thumbnails

    ink = 255 - thumbnails.reshape(-1, 28, 28).int()
    rows, columns = ((ink.amax(axis) > 127).sum(-1) for axis in (2, 1))

    assert thumbnails.dtype == torch.uint8
    assert thumbnails.shape == (40, 5, 28, 28)
    assert (ink.amax((1, 2)) == 255).all()
    assert (ink.amin((1, 2)) == 0).all()
    assert ink.float().mean((1, 2)).min() / 255 > 0.04
    assert ink.float().mean((1, 2)).max() / 255 < 0.3
    assert torch.maximum(rows, columns).min() >= 14


def test_gaussian_has_no_thumbnails_and_numbers_its_classes():
    dataset = load_dataset(task("gaussian"), 0)

    assert dataset.thumbnails is None
    assert dataset.class_names[:2] == ("class 0", "class 1")


def test_an_npz_is_taken_as_it_is(tmp_path):
    drawings = np.arange(6 * 3 * 784, dtype=np.uint32).astype(np.uint8).reshape(6, 3, 28, 28)
    names = [f"letter {index}" for index in range(6)]
    path = saved(tmp_path / "a.npz", features=features(), thumbnails=drawings, class_names=names)

    dataset = load_dataset(task(f"file:{path}", classes=3, new_classes=3), 0)

    np.testing.assert_array_equal(dataset.features, features())
    np.testing.assert_array_equal(dataset.thumbnails, drawings)
    assert dataset.class_names == tuple(names)


def test_the_published_codes_layout_is_read(tmp_path):
    path = tmp_path / "omniglot.h5"
    with h5py.File(path, "w") as file:
        file["resnet18/224/feat"] = features()
        file["class_order"] = np.array([5, 3, 1, 0, 2, 4])

    dataset = load_features(path)

    np.testing.assert_array_equal(dataset.features, features())
    assert dataset.class_names[:2] == ("class 5", "class 3")


def test_features_at_the_root_of_an_hdf5_file_are_read_with_their_names(tmp_path):
    path = tmp_path / "mine.hdf5"
    with h5py.File(path, "w") as file:
        file["features"] = features(classes=2)
        file["class_names"] = ["α", "β"]

    dataset = load_features(path)

    np.testing.assert_array_equal(dataset.features, features(classes=2))
    assert dataset.class_names == ("α", "β")


def test_an_hdf5_group_in_place_of_features_is_refused(tmp_path):
    with h5py.File(tmp_path / "group.h5", "w") as file:
        file["features/train"] = features()

    with pytest.raises(DatasetError, match="is a group, not an array"):
        load_features(tmp_path / "group.h5")


def test_an_hdf5_file_without_h5py_says_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "a.h5").touch()
    monkeypatch.setitem(sys.modules, "h5py", None)

    with pytest.raises(DatasetError, match="pip install h5py"):
        load_features(tmp_path / "a.h5")


@pytest.mark.parametrize("name", ["a.npz", "a.npy"])
def test_two_dimensional_features_are_one_exemplar_of_each_class(tmp_path, name):
    flat = features()[:, 0]
    if name == "a.npy":
        np.save(tmp_path / name, flat)
    else:
        saved(tmp_path / name, features=flat)

    assert torch.equal(load_features(tmp_path / name).features, torch.from_numpy(flat)[:, None])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"classes": 50, "new_classes": 100},
            r"needs 150 classes \(50 training \+ 100 new\), the file has 6",
        ),
        (
            {"classes": 3, "new_classes": 3, "exemplars": 3},
            r"needs 4 exemplars of each class \(3 training \+ at least 1 to test\), "
            r"the file has 3",
        ),
    ],
)
def test_too_small_a_file_is_refused_with_what_is_missing(tmp_path, changes, message):
    path = saved(tmp_path / "small.npz", features=features())

    with pytest.raises(DatasetError, match=message):
        load_dataset(task(f"file:{path}", **changes), 0)


def with_nan():
    array = features()
    array[4, 1, 2] = np.nan
    array[5, 0, 0] = np.inf
    return array


def ok(**extra):
    return {"features": features(), **extra}


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"feat": features()}, "needs the key 'features', the file has feat"),
        ({"features": np.zeros(5)}, r"must be \[class, exemplar, dim\] .* its shape is \[5\]"),
        ({"features": np.zeros((0, 5, 4))}, "not empty"),
        ({"features": np.array([["a", "b"]])}, "must be numbers, not <U1"),
        ({"features": np.array([[{}]])}, "must be numbers, not Python objects"),
        (
            {"features": with_nan()},
            "must be finite, 2 of its values are not; the first is in "
            "class 4, exemplar 1, dimension 2",
        ),
        ({"features": np.full((2, 2, 2), 1e300)}, "must be finite, 8 of its values"),
        (ok(thumbnails=np.zeros((6, 3, 28, 28))), "thumbnails must be uint8 .* they are float64"),
        (
            ok(thumbnails=np.zeros((6, 2, 28, 28), np.uint8)),
            r"uint8 \[6, 3, 28, 28\], they are uint8 \[6, 2, 28, 28\]",
        ),
        (ok(class_names=["a"]), r"class_names must name 6 classes, its shape is \[1\]"),
    ],
)
def test_unsound_arrays_are_refused_with_their_fault(tmp_path, arrays, message):
    path = saved(tmp_path / "bad.npz", **arrays)

    with pytest.raises(DatasetError, match=f"bad.npz.*{message}"):
        load_features(path)


@pytest.mark.parametrize("suffix", [".npz", ".npy", ".h5"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut short"])
def test_a_broken_file_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)

    with pytest.raises(DatasetError, match="cannot be read"):
        load_features(path)


def test_a_missing_file_and_an_unknown_kind_are_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"absent\.npz: there is no such file"):
        load_dataset(task(f"file:{tmp_path}/absent.npz"), 0)
    with pytest.raises(DatasetError, match=r"must end in \.npz, \.npy, \.h5, \.hdf5"):
        load_features(tmp_path / "features.csv")


def chunks(png):
    """Kind and content of every chunk of a PNG file, their checksums checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place = 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        body, end = png[place + 4 : place + 8 + length], place + 12 + length
        assert struct.unpack(">I", png[end - 4 : end]) == (zlib.crc32(body),)
        yield body[:4], body[4:]
        place = end


def test_a_thumbnail_is_a_png_whose_alpha_is_the_ink():
    image = load_dataset(task("glyphs"), 0).thumbnails[0, 0]

    kind, content = thumbnail_uri(image).split(",")
    parts = dict(chunks(base64.b64decode(content, validate=True)))
    rows = np.frombuffer(zlib.decompress(parts[b"IDAT"]), np.uint8).reshape(28, 1 + 28 * 2)

    assert kind == "data:image/png;base64"
    assert struct.unpack(">IIBBBBB", parts[b"IHDR"]) == (28, 28, 8, 4, 0, 0, 0)
    assert not rows[:, 0].any()
    assert not rows[:, 1::2].any()
    np.testing.assert_array_equal(rows[:, 2::2], 255 - image.numpy())
