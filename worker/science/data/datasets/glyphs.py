"""Invented characters in the manner of Omniglot: nothing to download, and pleasant to look at.

A class is two to four Bezier strokes, each joined to an earlier one as handwriting joins them; an
exemplar is drawn anew with a shaky hand, a slant and a size of its own. After the strokes and
relations of Lake, Salakhutdinov and Tenenbaum (2015), Human-level concept learning.

Every class has a generator of its own, keyed by seed and class: class 7 of a seed is the same
character however many classes or exemplars are asked for.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from worker.science.data.datasets.base import Dataset
from worker.science.data.datasets.encoder import encode
from worker.science.data.datasets.streams import GLYPHS, class_generator

Array = NDArray[np.float64]

SIZE = 28  # pixels of a side
_BOX = 20.0  # pixels that the longer side of a character covers
_POINTS = 48  # samples along a stroke: at most a pixel apart
_BLUR = 0.8  # pixels; ink half as dark as the middle lies 1.18 blurs away: lines 1.9 pixels wide

# Control points of a stroke that runs from (0, 0) along x, and how often it is drawn.
_SHAPES = np.array(
    [
        [(0, 0), (0.33, 0), (0.67, 0), (1, 0)],  # line
        [(0, 0), (0.2, 0.55), (0.8, 0.55), (1, 0)],  # arc
        [(0, 0), (0.75, -0.05), (1.2, 0.1), (0.95, 0.6)],  # hook
        [(0, 0), (0.3, 0.75), (0.7, -0.75), (1, 0)],  # wave
        [(0, 0), (1.5, 0.95), (-0.5, 0.95), (1, 0)],  # crossing loop
        [(0, 0), (1.25, -0.8), (1.25, 0.8), (0, 0)],  # closed loop
    ]
)
_SHAPE_WEIGHTS = np.array([0.43, 0.19, 0.18, 0.07, 0.04, 0.09])
_DRAFTS = 4  # characters thought of for each class, of which one is kept
_CELL = 2.5  # pixels
_LEGIBLE = 2.1  # pixels of path in a cell
_REPEAT = 0.18  # how often a stroke repeats an earlier one at its side
_DIRECTIONS = np.radians([0, 90, 45, 135])  # of the first stroke
_DIRECTION_WEIGHTS = np.array([0.35, 0.4, 0.15, 0.1])
_TURNS = np.radians([90, -90, 60, -60, 125, -125])  # of a stroke from the one it joins


def load_glyphs(classes: int, exemplars: int, seed: int) -> Dataset:
    """The first `classes` characters of a seed, each drawn `exemplars` times."""
    ink = np.stack([_ink(_drawings(seed, index, exemplars)) for index in range(classes)])
    thumbnails = torch.from_numpy(255 - ink)
    names = tuple(f"glyph {index}" for index in range(classes))
    return Dataset(encode(thumbnails), names, thumbnails)


def _drawings(seed: int, index: int, exemplars: int) -> Array:
    """Strokes of one class, `[exemplar, stroke, control, xy]` in pixels."""
    rng = class_generator(GLYPHS, seed, index)
    drafts = [_fit(_character(rng)) for _ in range(_DRAFTS)]
    character = min(drafts, key=_crowding)  # the first of those that are legible
    return np.stack([_redraw(character, rng) for _ in range(exemplars)])


def _character(rng: np.random.Generator) -> Array:
    """Two to four strokes, each joined to an earlier one or a copy of it beside."""
    angle = rng.choice(_DIRECTIONS, p=_DIRECTION_WEIGHTS) + rng.normal(0, 0.1)
    angles, strokes = [angle], [_stroke(rng, angle)]
    for count in range(1, rng.choice([2, 3, 4], p=[0.2, 0.45, 0.35])):
        parent = rng.integers(count)
        if count > 1 and rng.random() < _REPEAT:
            angles.append(angles[parent])
            strokes.append(_beside(strokes[parent], angles[parent], rng))
        else:
            angles.append(angles[parent] + rng.choice(_TURNS) + rng.normal(0, 0.15))
            strokes.append(_joined(_stroke(rng, angles[-1]), strokes[parent], rng))
    return np.array(strokes)


def _beside(stroke: Array, angle: float, rng: np.random.Generator) -> Array:
    """The same stroke once more, at its side."""
    side = np.array([-np.sin(angle), np.cos(angle)])
    return np.asarray(stroke + side * rng.uniform(0.35, 0.6) * rng.choice([-1, 1]))


def _joined(stroke: Array, parent: Array, rng: np.random.Generator) -> Array:
    """The stroke moved so that its start or middle meets an end or the middle of its parent."""
    joint = _at(parent, rng.choice([0, 0.5, 1], p=[0.2, 0.35, 0.45]))
    return np.asarray(stroke + joint - _at(stroke, rng.choice([0, 0.5], p=[0.75, 0.25])))


def _crowding(strokes: Array) -> float:
    """Length of path in each cell that it visits, above what is legible: high for blots."""
    path = _path(strokes)
    length = np.linalg.norm(np.diff(path, axis=1), axis=-1).sum()
    cells = np.unique(np.floor(path / _CELL).reshape(-1, 2), axis=0)
    return max(0.0, float(length / len(cells)) - _LEGIBLE)


def _stroke(rng: np.random.Generator, angle: float) -> Array:
    """One stroke from the origin: a shape, perhaps mirrored, stretched and turned."""
    shape = _SHAPES[rng.choice(len(_SHAPES), p=_SHAPE_WEIGHTS)] + rng.normal(0, 0.06, (4, 2))
    shape = shape * rng.uniform(0.5, 1.2) * (1, rng.choice([-1, 1]))
    turn = np.array([(np.cos(angle), np.sin(angle)), (-np.sin(angle), np.cos(angle))])
    return np.asarray(shape @ turn)


def _at(stroke: Array, place: float) -> Array:
    """The point of a Bezier curve at `place`, 0 to 1."""
    return np.asarray(_basis(np.array([place]))[0] @ stroke)


def _basis(places: Array) -> Array:
    """Bernstein weights of the four control points, `[place, control]`."""
    t, u = places, 1 - places
    return np.stack([u**3, 3 * u * u * t, 3 * u * t * t, t**3], axis=-1)


def _path(strokes: Array) -> Array:
    """Points along Bezier curves: `[..., point, xy]` of `[..., control, xy]`."""
    return np.asarray(_basis(np.linspace(0, 1, _POINTS)) @ strokes)


def _fit(strokes: Array) -> Array:
    """Centred on the canvas and as large as the box; a narrow character is widened a little."""
    path = _path(strokes)
    low, high = path.min((0, 1)), path.max((0, 1))
    longest = (high - low).max()
    scale = _BOX / np.maximum(high - low, longest / 1.5)
    return np.asarray((strokes - (low + high) / 2) * scale + SIZE / 2)


def _redraw(strokes: Array, rng: np.random.Generator) -> Array:
    """The same character by another hand: shaken points, moved strokes, a small affine change."""
    shaken = strokes + rng.normal(0, 0.5, strokes.shape) + rng.normal(0, 0.4, (len(strokes), 1, 2))
    change = np.eye(2) + rng.normal(0, 0.08, (2, 2))
    return np.asarray((shaken - SIZE / 2) @ change + SIZE / 2 + rng.normal(0, 0.7, 2))


def _ink(strokes: Array) -> NDArray[np.uint8]:
    """Drawings from strokes: 255 where there is ink, with soft edges.

    A stroke is an integral of round blurs along its path. A round blur is a product of one blur
    for x and one for y, so the sum over the path's points is one small matrix product.
    """
    path = _path(strokes)  # [exemplar, stroke, point, xy]
    steps = np.linalg.norm(np.gradient(path, axis=-2), axis=-1).reshape(len(path), -1, 1)
    x, y = (_blur(path[..., axis].reshape(len(path), -1)) for axis in (0, 1))
    weight = steps / (_BLUR * np.sqrt(2 * np.pi))
    density = np.swapaxes(y * weight, -1, -2) @ x
    ink = np.clip(0.5 + 1.3 * (density - 0.5), 0, 1)
    return np.asarray(np.rint(255 * ink), dtype=np.uint8)


def _blur(positions: Array) -> Array:
    """How much a point at `positions` darkens each pixel of a row: `[..., point, pixel]`."""
    pixels = np.arange(SIZE) + 0.5
    return np.asarray(np.exp(-0.5 * ((pixels - positions[..., None]) / _BLUR) ** 2))
