"""Programs: a run's clamps as tensors, and the edits they make of a batch.

Which points are edited is structure, and decides the compiled program; which heads, how strongly
and at which rows is data, so runs that differ only there share one program.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from app.schemas.clamp import Ablate, Clamp, PatternName, Program, SetPattern
from app.schemas.config import RunConfig
from app.schemas.site import Point, Positions
from worker.science.model import Batch
from worker.science.taps import Edit, Edits, site_key

# Key of an edit -> its tensors. `scale` and `value` are the affine edit; at a pattern, `right` and
# `wrong` say how much attention goes to the label tokens of the query's class and to the others.
ProgramTensors = Mapping[str, Mapping[str, Tensor]]


def program_tensors(config: RunConfig) -> dict[str, dict[str, Tensor]]:
    """The program of a run as data, one entry per edited activation."""
    tensors: dict[str, dict[str, Tensor]] = {}
    for clamp in config.program:
        for layer in clamp.site.layers_of(config.model.layers):
            key = site_key(clamp.site.point, layer)
            edit = tensors.setdefault(key, _identity(clamp.site.point, config))
            _write(edit, clamp, config)
    return tensors


def bind(program: ProgramTensors, batch: Batch) -> Edits:
    """The edits of one run for the sequences at hand."""
    return {key: _edit(tensors, batch) for key, tensors in program.items()}


def label_shares(batch: Batch, tokens: int) -> tuple[Tensor, Tensor]:
    """Even shares of attention over the label tokens of the query's class, and over the others.

    Two [T, B] tensors over key tokens; each sums to 1 over T.
    """
    right = (batch.labels == batch.target).to(torch.float32)  # [P, B]
    wrong = 1 - right
    return (
        _on_label_tokens(right / right.sum(0), tokens),
        _on_label_tokens(wrong / wrong.sum(0), tokens),
    )


def _on_label_tokens(share: Tensor, tokens: int) -> Tensor:
    """[P, B] -> [T, B]: label j stands at token 2 j + 1."""
    pairs = torch.stack([torch.zeros_like(share), share], dim=1).flatten(0, 1)
    return torch.cat([pairs, torch.zeros_like(share[:1])])[:tokens]


def _edit(tensors: Mapping[str, Tensor], batch: Batch) -> Edit:
    value = tensors["value"]
    if "right" in tensors:
        right, wrong = label_shares(batch, value.shape[2])
        value = value[..., None] + tensors["right"][..., None] * right
        value = value + tensors["wrong"][..., None] * wrong
        return Edit(tensors["scale"][..., None], value)
    return Edit(tensors["scale"], value)


def _identity(point: Point, config: RunConfig) -> dict[str, Tensor]:
    """An edit without effect, with the axes that clamps of its point need."""
    heads, tokens = config.model.heads, config.task.tokens
    if point is Point.V:  # [H, D, T, B]
        return {"scale": torch.ones(heads, 1, 1, 1), "value": torch.zeros(heads, 1, 1, 1)}
    rows = torch.zeros(heads, tokens, 1)
    value = torch.zeros(heads, tokens, tokens)
    return {"scale": 1 - rows, "value": value, "right": rows.clone(), "wrong": rows.clone()}


def _write(edit: dict[str, Tensor], clamp: Clamp, config: RunConfig) -> None:
    """Adds one clamp to the edit of its point. Sites do not overlap: `check_program` saw to it."""
    heads = list(clamp.site.heads_of(config.model.heads))
    if isinstance(clamp, Ablate):
        edit["scale"][heads] = 0.0
        return
    rows = _rows(clamp.site.positions, config.task.tokens)
    for head in heads:
        edit["scale"][head, rows] = 0.0
        if clamp.target is PatternName.INDUCTION:
            edit["right"][head, rows] = clamp.strength
            edit["wrong"][head, rows] = 1 - clamp.strength
        else:
            edit["value"][head, rows] = _previous_token(config.task.tokens, clamp)[rows]


def _rows(positions: Positions, tokens: int) -> list[int]:
    """The token numbers of a role: exemplars are even, labels odd, the query is last."""
    return {
        Positions.ALL: list(range(tokens)),
        Positions.QUERY: [tokens - 1],
        Positions.LABELS: list(range(1, tokens - 1, 2)),
        Positions.EXEMPLARS: list(range(0, tokens - 1, 2)),
    }[positions]


def _previous_token(tokens: int, clamp: SetPattern) -> Tensor:
    """Row i: `strength` on i - 1, the rest on i; row 0 on itself. Paper section 3, option 9."""
    pattern = (1 - clamp.strength) * torch.eye(tokens)
    pattern += clamp.strength * torch.diag(torch.ones(tokens - 1), -1)
    pattern[0, 0] = 1.0
    return pattern


def structure(program: Program, layers: int) -> frozenset[str]:
    """The points that a program edits: runs with equal structure share one compiled program."""
    return frozenset(
        site_key(clamp.site.point, layer)
        for clamp in program
        for layer in clamp.site.layers_of(layers)
    )
