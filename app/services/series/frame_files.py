"""The frames of a run as one `.npz`, a zip file of NumPy's arrays, without NumPy.

`sequences` [frame], int64; `patterns` [frame, layer, head, probe, query, key], float32: exactly
what was recorded; `composition_KIND_LN` [frame, head of layer N, earlier layer, its head], float32,
KIND one of q, k, v: NaN in frames of before there was composition.
"""

import sys
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import nan, prod

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db import series
from app.db.engine import session_scope
from app.db.models import Frame, Run
from app.errors import NotFound
from app.schemas.config import ModelConfig, RunConfig
from app.schemas.measure import COMPOSITION_KINDS
from app.services.zip_pieces import ZipMember, zip_pieces

FRAMES_AT_ONCE = 100
_FLOAT = 4  # bytes
_HEAD = 128  # bytes of a `.npy` before its numbers: a multiple of 64, and enough for any shape


@dataclass(frozen=True)
class _Frames:
    """Which frames are written, and the shape of each."""

    run_id: str
    model: ModelConfig
    places: Sequence[int]
    shape: tuple[int, ...]  # of the patterns of one


def frames_file(session: Session, engine: Engine, run: Run) -> Iterator[bytes]:
    """The file in pieces, of the frames that there are now; `NotFound` if there are none."""
    places = series.frame_sequences(session, run.id)
    if not places:
        raise NotFound(f"Run {run.id} has no frames yet.")
    config = RunConfig.model_validate(run.config)
    frame = series.frame_at(session, run.id, places[0])
    assert frame is not None
    model, tokens = config.model, config.task.tokens
    probes = len(frame.patterns) // (_FLOAT * model.layers * model.heads * tokens**2)
    shape = (model.layers, model.heads, probes, tokens, tokens)
    return zip_pieces(_members(engine, _Frames(run.id, model, places, shape)))


def _members(engine: Engine, frames: _Frames) -> Iterator[ZipMember]:
    count = len(frames.places)
    places = array("q", frames.places)
    yield ZipMember("sequences.npy", [npy_head("<i8", (count,)), _little(places)])
    yield ZipMember("patterns.npy", _patterns(engine, frames))
    at = 0
    for kind in COMPOSITION_KINDS:
        for layer in range(1, frames.model.layers):
            shape = (frames.model.heads, layer, frames.model.heads)
            part = slice(_FLOAT * at, _FLOAT * (at + prod(shape)))
            name = f"composition_{kind.value}_L{layer}.npy"
            yield ZipMember(name, _composition(engine, frames, shape, part))
            at += prod(shape)


def _patterns(engine: Engine, frames: _Frames) -> Iterator[bytes]:
    yield npy_head("<f4", (len(frames.places), *frames.shape))
    for page in _pages(engine, frames):
        yield b"".join(frame.patterns for frame in page)


def _composition(
    engine: Engine, frames: _Frames, shape: tuple[int, ...], part: slice
) -> Iterator[bytes]:
    nothing = _little(array("f", [nan] * prod(shape)))
    yield npy_head("<f4", (len(frames.places), *shape))
    for page in _pages(engine, frames):
        yield b"".join(
            nothing if one.composition is None else one.composition[part] for one in page
        )


def _pages(engine: Engine, frames: _Frames) -> Iterator[Sequence[Frame]]:
    for start in range(0, len(frames.places), FRAMES_AT_ONCE):
        places = frames.places[start : start + FRAMES_AT_ONCE]
        with session_scope(engine) as session:
            page = series.frames_at(session, frames.run_id, places)
        if len(page) != len(places):
            raise NotFound(f"Run {frames.run_id} was deleted while its frames were read.")
        yield page


def _little(numbers: "array[int] | array[float]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def npy_head(kind: str, shape: tuple[int, ...]) -> bytes:
    """What a `.npy` file (version 1.0) begins with, before its numbers in C order.

    Source: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
    """
    said = repr({"descr": kind, "fortran_order": False, "shape": shape})
    begins = b"\x93NUMPY\x01\x00" + (_HEAD - 10).to_bytes(2, "little")
    return begins + said.encode().ljust(_HEAD - 11) + b"\n"
