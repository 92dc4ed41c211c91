"""Hostile data files: each is refused by a sentence of ours, at once and in little memory.

All are looked at by one process of its own, whose peak is therefore that of the worst.
"""

import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib

import h5py
import numpy as np
import pytest

MOST_SECONDS, MOST_MEMORY = 1.0, 500_000_000
FEATURES = np.arange(24, dtype=np.float32).reshape(3, 2, 4)
# Not `ru_maxrss`: that remembers how large the process was that this one was forked from.
LOOK = """
import json, re, sys, time
from pathlib import Path
from worker.look import main
for path in sys.argv[1:]:
    began = time.process_time()
    main(path)
    status = Path("/proc/self/status").read_text()
    peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024
    print(json.dumps({"seconds": time.process_time() - began, "peak": peak}))
"""


def deflated_zeros(count):
    """A raw deflate stream that unfolds to so many MB of zeros: the same piece, over and over."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packer.compress(b"")
    piece = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return piece * count + zlib.compressobj(9, zlib.DEFLATED, -15).flush()


def header(shape, descr="<f4"):
    said = f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}".encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(said)) + said


def zip_of(path, content, *, flags=0, unfolds=None):
    """A zip of `features.npy` with what its directory says of it."""
    method = 0 if unfolds is None else 8
    size = len(content) if unfolds is None else unfolds
    fields = (20, flags, method, 0, 0, zlib.crc32(content), len(content), size, 12, 0)
    name, local = b"features.npy", struct.pack("<4s5H3I2H", b"PK\3\4", *fields)
    central = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, *fields, 0, 0, 0, 0, 0)
    at = len(local) + len(name) + len(content)
    length = len(central) + len(name)
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, length, at, 0)
    path.write_bytes(local + name + content + central + name + end)


def deflate(content):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)


def numpy_files(folder):
    """Name of each hostile file, and what is said of it."""
    np.savez(folder / "pickle.npz", features=np.array([[{}]]))
    yield "pickle.npz", "features must be numbers, not Python objects"
    np.save(folder / "pickle.npy", np.array([[{}]]))
    yield "pickle.npy", "features must be numbers, not Python objects"
    np.savez(folder / "complex.npz", features=FEATURES.astype(complex))
    yield "complex.npz", "features must be numbers, not complex128"
    np.savez(folder / "records.npz", features=np.zeros((2, 2), [("a", "f4")]))
    yield "records.npz", "features must be numbers, not"
    np.savez(folder / "names.npz", features=FEATURES, class_names=np.array([{}, 1, 2]))
    yield "names.npz", "class_names must be text or numbers, not Python objects"
    np.savez(folder / "nan.npz", features=np.where(FEATURES == 5, np.nan, FEATURES))
    yield "nan.npz", "must be finite, 1 of its values are not; the first is in class 0, exemplar 1"
    np.save(folder / "inf.npy", np.asfortranarray(np.where(FEATURES == 12, np.inf, FEATURES)))
    yield "inf.npy", "the first is in class 1, exemplar 1, dimension 0"
    head = header((2**19, 1, 1024))
    zip_of(folder / "bomb.npz", deflate(head) + deflated_zeros(2048), unfolds=len(head) + 2**31)
    yield "bomb.npz", "features would take 2,147 MB"
    said = b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**31)
    zip_of(folder / "head.npz", deflate(said) + deflated_zeros(2048), unfolds=2**31 + 12)
    yield "head.npz", "has a header of 2,147,483,648 bytes"
    (folder / "endless.npy").write_bytes(header((10**9, 10**9, 512)) + bytes(100))
    yield "endless.npy", "an array may take 1,074 MB"
    (folder / "negative.npy").write_bytes(header((-2, -2)) + bytes(100))
    yield "negative.npy", "its shape [-2, -2] cannot be"
    (folder / "sparse.npy").write_bytes(header((10**7, 1, 512)))
    os.truncate(folder / "sparse.npy", 10**13)
    yield "sparse.npy", "features would take 20,480 MB"
    (folder / "short.npy").write_bytes(header((3, 2, 4)) + bytes(50))
    yield "short.npy", "features is cut short"
    np.savez(folder / "whole.npz", features=np.zeros((50, 50, 50)))
    (folder / "cut.npz").write_bytes((folder / "whole.npz").read_bytes()[:4000])
    yield "cut.npz", "cannot be read: it is no .npz file, or it is cut short or damaged"
    with zipfile.ZipFile(folder / "lzma.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("features.npy", header((3, 2, 4)) + FEATURES.tobytes())
    yield "lzma.npz", "features is packed in a way that numpy does not write"
    zip_of(folder / "locked.npz", header((3, 2, 4)) + FEATURES.tobytes(), flags=1)
    yield "locked.npz", "features is packed in a way that numpy does not write"
    zip_of(folder / "changed.npz", deflate(header((3, 2, 4)) + b"x" * 50), unfolds=500)
    yield "changed.npz", "cut short"


def hdf5_files(folder):
    """The same in HDF5."""

    def new(name):
        return h5py.File(folder / name, "w")

    with new("external.h5") as file:
        file.create_dataset("features", (4, 2), "u1", external=[("/etc/passwd", 0, 8)])
    yield "external.h5", "features has its values in another file"
    with new("elsewhere.h5") as file:
        file["features"] = h5py.ExternalLink("other.h5", "features")
    yield "elsewhere.h5", "features is a link"
    with new("soft.h5") as file:
        file["features"] = h5py.SoftLink("/features")
    yield "soft.h5", "features is a link"
    with new("loop.h5") as file:
        file["a"], file["resnet18"] = h5py.SoftLink("/resnet18"), h5py.SoftLink("/a")
    yield "loop.h5", "resnet18/224/feat is a link"
    with new("circle.h5") as file:
        group = file.create_group("features")
        group["features"] = group
    yield "circle.h5", "features is a group, not an array"
    with new("virtual.h5") as file:
        layout = h5py.VirtualLayout((3, 2, 4), "f4")
        layout[:] = h5py.VirtualSource("other.h5", "features", (3, 2, 4))
        file.create_virtual_dataset("features", layout)
    yield "virtual.h5", "features has its values in another file"
    for name, rows in (("giga.h5", 20_000_000), ("tera.h5", 200_000_000_000)):
        with new(name) as file:
            file.create_dataset("features", (rows, 1, 512), "f4", chunks=(64, 1, 512))
        yield name, "an array may take 1,074 MB"
    with new("chunk.h5") as file:
        file.create_dataset("features", (2, 2, 2), "f4", chunks=(2, 2, 2**28), maxshape=(None,) * 3)
    yield "chunk.h5", "stored in pieces of 4,295 MB"
    with new("empty.h5") as file:
        file["features"] = h5py.Empty("f4")
    yield "empty.h5", "features has no values at all"
    with new("records.h5") as file:
        file.create_dataset("features", (2, 2), [("a", "f4")])
    yield "records.h5", "features must be numbers, not"
    with new("lists.h5") as file:
        file.create_dataset("features", (2, 2), h5py.vlen_dtype("f4"))
    yield "lists.h5", "features must be numbers, not Python objects"
    with new("nan.h5") as file:
        file["features"] = np.where(FEATURES == 5, np.nan, FEATURES)
    yield "nan.h5", "the first is in class 0, exemplar 1, dimension 1"
    with new("inflated.h5") as file:
        array = file.create_dataset("features", (4, 1, 4), "f4", chunks=(1, 1, 4), compression=1)
        array.id.write_direct_chunk((0, 0, 0), b"\x78\x01" + deflated_zeros(2048))
    yield "inflated.h5", "cannot be read"
    (folder / "cut.h5").write_bytes((folder / "giga.h5").read_bytes()[:900])
    yield "cut.h5", "cannot be read: it is no .h5 file, or it is cut short or damaged"


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory):
    """Of every hostile file what was said, in how many seconds, and the peak by then."""
    folder = tmp_path_factory.mktemp("hostile")
    expected = dict([*numpy_files(folder), *hdf5_files(folder)])
    paths = [str(folder / name) for name in expected]
    done = subprocess.run(
        [sys.executable, "-c", LOOK, *paths], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    return expected, dict(zip(expected, zip(lines[::2], lines[1::2], strict=True), strict=True))


def test_every_hostile_file_is_refused_by_a_sentence_of_ours(looked_at):
    expected, found = looked_at

    for name, said in expected.items():
        answer, _ = found[name]
        assert said in answer["refused"], name
        assert name in answer["refused"]


def test_each_is_refused_within_a_second_and_500_mb(looked_at):
    _, found = looked_at

    slow = {name: cost for name, (_, cost) in found.items() if cost["seconds"] > MOST_SECONDS}
    assert not slow
    assert max(cost["peak"] for _, cost in found.values()) <= MOST_MEMORY


def look(path):
    command = [sys.executable, "-X", "importtime", "-m", "worker.look", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "torch" not in done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("kind", [".npz", ".npy", ".h5"])
def test_big_endian_numbers_are_read_like_others(tmp_path, kind):
    path = tmp_path / f"big{kind}"
    turned = FEATURES.astype(">f8")
    if kind == ".npz":
        np.savez(path, features=turned)
    elif kind == ".npy":
        np.save(path, turned)
    else:
        with h5py.File(path, "w") as file:
            file["features"] = turned

    said = look(path)

    assert (said["classes"], said["exemplars"], len(said["sha256"])) == (3, 2, 64)
