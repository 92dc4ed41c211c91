"""Edits: what a compiled program does to the activations of one pass, for the sequences at hand.

Each part is a masked affine edit: where its mask is 1 and its light is on, the activation becomes
the part's value (or is multiplied by its factor); elsewhere it stays exactly as it is.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from app.schemas.clamps.base import AFTERWARDS, Source
from worker.science.clamps.patterns import cosines, label_shares, match_shares, on_label_tokens
from worker.science.clamps.program import Layout, Part, Tensors
from worker.science.model import Batch
from worker.science.taps import Edit, Edits, last_tokens, site_key


@dataclass(frozen=True)
class Scene:
    """What values are made from: the batch, and activations of other passes by their site key.

    clock [B] or [1]: the numbers of the training sequences, which windows are compared with.
    """

    batch: Batch
    clock: Tensor
    tokens: int
    embedded: Callable[[], Tensor]  # [W, T, B], as this pass sees it
    unclamped: Mapping[str, Tensor]
    grafts: Mapping[int, Tensor]  # by the number of the part


def bind(layout: Layout, tensors: Tensors, scene: Scene, rows: Callable[[Part], int]) -> Edits:
    """The edits of one run. `rows`: how many of its tokens a part's layer computes."""
    edits: dict[str, Edit] = {}
    for number, (part, data) in enumerate(zip(layout, tensors, strict=True)):
        if part.source in AFTERWARDS:
            continue
        key = site_key(part.point, part.layer)
        cut = {name: last_tokens(t, part.point, rows(part)) for name, t in _local(data).items()}
        edit = edit_of(part, cut, _value(number, part, cut, scene, rows(part)), scene.clock)
        edits[key] = edits[key].then(edit) if key in edits else edit
    return edits


def edit_of(part: Part, data: Mapping[str, Tensor], value: Tensor, clock: Tensor) -> Edit:
    """A part's edit, given its value."""
    if part.covers_all:
        return Edit(None, value)
    mask = data["mask"]
    if part.is_windowed:
        is_on = (clock >= data["from"]) & (clock < data["until"])  # [..., B]
        mask = mask * is_on.to(mask.dtype)
    if part.source is Source.FACTOR:
        return Edit(1 + mask * (value - 1), torch.zeros_like(mask))
    return Edit(1 - mask, mask * value)


def _local(data: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors that have the axes of the site: not a donor's."""
    return {name: t for name, t in data.items() if name != "weights" and "." not in name}


def _value(number: int, part: Part, data: Mapping[str, Tensor], scene: Scene, rows: int) -> Tensor:
    match part.source:
        case Source.CONSTANT:
            return data["constant"]
        case Source.FACTOR:
            return data["factor"]
        case Source.LABELS:
            right, wrong = label_shares(scene.batch, scene.tokens)
            return data["strength"] * right + (1 - data["strength"]) * wrong
        case Source.ALIKE:
            return _alike(data["temperature"], scene)
        case Source.EMBEDDED:
            return last_tokens(scene.embedded(), part.point, rows)
        case Source.SHIFTED:
            return shifted(scene.embedded())
        case Source.GRAFT:
            return scene.grafts[number]
        case _:
            return _reference(part, scene)


def _alike(temperature: Tensor, scene: Scene) -> Tensor:
    """temperature [H, I, J, 1] -> [H, I, J, B]; a row has one temperature."""
    shares = match_shares(cosines(scene.batch), temperature[:, :, 1, 0])  # [H, I, P, B]
    return on_label_tokens(shares, scene.tokens)


def shifted(x: Tensor) -> Tensor:
    """[W, T, B]: each token's vector is that of the one before it, but for the first and the
    query's. Paper section 3, `perfect_prev_token_input`."""
    return torch.cat([x[:, :1], x[:, :-2], x[:, -1:]], dim=1)


def _reference(part: Part, scene: Scene) -> Tensor:
    """The same site in the unclamped pass, of this sequence, another, or their mean."""
    x = scene.unclamped[site_key(part.point, part.layer)]
    if part.is_stopped:
        x = x.detach()
    if part.source is Source.UNCLAMPED:
        return x
    if part.source is Source.MEAN:
        return x.mean(-1, keepdim=True).expand_as(x)
    return x.roll(1, -1)
