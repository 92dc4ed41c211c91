"""Programs as data: a run's clamps as parts, each an edit of one activation, with its tensors.

What parts there are is the layout: it is structure, and decides the compiled program. Which heads
and rows a part covers, how strongly and when, is data, so runs that differ only there share one
program. `worker.science.clamps.edits` makes edits of them for the sequences at hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from app.schemas.clamps.base import AFTERWARDS, BaseClamp, Source
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.kinds import (
    GraftIn,
    GraftOut,
    PerfectCopy,
)
from app.schemas.clamps.nodes import Node
from app.schemas.clamps.parts import Pieces, Place, layout_of
from app.schemas.clamps.site import HEAD_POINTS, ROW_POINTS, Point
from app.schemas.config import RunConfig, dimensions_of
from worker.science.parameters import Shape

ALWAYS = 2**62  # a sequence number that no training reaches
FROM_UNCLAMPED = frozenset({Source.UNCLAMPED, Source.MEAN, Source.OTHER})


@dataclass(frozen=True)
class Donor:
    """Another run's model, frozen: its config, its weights, and how much it had seen."""

    config: RunConfig
    shape: Shape
    weights: Mapping[str, Tensor]
    sequences: int


@dataclass(frozen=True)
class DonorLayout:
    """The part of a donor that decides the compiled program."""

    shape: Shape
    layout: "Layout"
    sequences: int


@dataclass(frozen=True)
class Part(Place):
    """One edit of one activation: a place, and what its donor is made like instead of which one it
    is (`checkpoint` is None)."""

    donor: DonorLayout | None = None
    # That the mask is 1 everywhere is structure too, where a program will not be trained with.
    is_full: bool = False

    @property
    def covers_all(self) -> bool:
        """Whether the part replaces its activation wholly, always."""
        return not self.is_windowed and (self.is_full or self.source in _WHOLE_SOURCES)


_WHOLE_SOURCES = frozenset({Source.EMBEDDED, Source.SHIFTED, Source.GRAFT, *AFTERWARDS})

Layout = tuple[Part, ...]
Tensors = tuple[dict[str, Tensor], ...]  # of each part


@dataclass(frozen=True)
class ProgramData:
    """A program compiled: its layout, and the tensors of each part."""

    layout: Layout
    tensors: Tensors


Donors = Mapping[str, Donor]  # by the text of a checkpoint
NO_DONORS: Donors = {}


def compile_program(config: RunConfig, donors: Donors = NO_DONORS) -> ProgramData:
    """The program of a run as data. Clamps of equal parts that do not overlap share one part."""
    dimensions = dimensions_of(config.model, config.task, config.training)
    parts = layout_of(config.program, dimensions)
    return ProgramData(
        tuple(_part(place, pieces, donors) for place, pieces in parts),
        tuple(_merged(pieces, config, dimensions, donors) for _, pieces in parts),
    )


def with_full_parts(program: ProgramData) -> ProgramData:
    """The same, with what its masks cover wholly as structure: nothing before is computed then.

    Not for training: runs share a compiled update by their layouts, whatever their masks.
    """
    parts = zip(program.layout, program.tensors, strict=True)
    return replace(program, layout=tuple(_full(part, tensors) for part, tensors in parts))


def _full(part: Part, tensors: Mapping[str, Tensor]) -> Part:
    covered = tensors["mask"] == 1
    if part.point in ROW_POINTS and part.source is Source.UNCLAMPED:
        # Keys after the query are masked in the other pass as well.
        rows, keys = covered.shape[1:3]
        covered = covered | torch.ones(rows, keys, dtype=torch.bool).triu(1)[:, :, None]
    replaces = part.source not in (Source.FACTOR, *AFTERWARDS)
    return replace(part, is_full=replaces and bool(covered.all()))


def _part(place: Place, pieces: Pieces, donors: Donors) -> Part:
    """A place as structure: what its donor is made like, instead of which one it is."""
    clamp = pieces[0].clamp
    donor = _donor_layout(clamp, donors) if isinstance(clamp, GraftIn | GraftOut) else None
    return Part(**vars(place) | {"checkpoint": None}, donor=donor)


def _merged(
    pieces: Pieces, config: RunConfig, dimensions: Dimensions, donors: Donors
) -> dict[str, Tensor]:
    """The tensors of pieces that do not overlap, each where its mask is."""
    first, *others = (
        _tensors(piece.clamp, piece.nodes, config, dimensions, donors) for piece in pieces
    )
    for tensors in others:
        mine = tensors["mask"] > 0
        first = {name: torch.where(mine, tensors[name], there) for name, there in first.items()}
    return first


def _donor(clamp: GraftIn | GraftOut, donors: Donors) -> Donor:
    if clamp.checkpoint not in donors:
        raise ValueError(f"{clamp.site}: the checkpoint {clamp.checkpoint} is not at hand")
    return donors[clamp.checkpoint]


def _donor_layout(clamp: GraftIn | GraftOut, donors: Donors) -> DonorLayout:
    """A grafted layer keeps its own run's program; what is grafted after a layer has none."""
    donor = _donor(clamp, donors)
    own = compile_program(donor.config).layout if isinstance(clamp, GraftIn) else ()
    return DonorLayout(donor.shape, own, donor.sequences)


def _tensors(
    clamp: BaseClamp,
    nodes: Sequence[Node],
    config: RunConfig,
    dimensions: Dimensions,
    donors: Donors,
) -> dict[str, Tensor]:
    """The mask of what is edited (0 or 1, axes of the point) and what its value is made from."""
    mask = _mask(nodes, dimensions)
    tensors = {"mask": mask} | _value_tensors(clamp, nodes[0].point, mask, config)
    if clamp.is_windowed:
        until = ALWAYS if clamp.until_sequences is None else clamp.until_sequences
        tensors["from"] = torch.full_like(mask, clamp.from_sequences, dtype=torch.int64)
        tensors["until"] = torch.full_like(mask, until, dtype=torch.int64)
    if isinstance(clamp, GraftIn | GraftOut):
        donor = _donor(clamp, donors)
        tensors["weights"] = donor.shape.flatten(donor.weights)
        if isinstance(clamp, GraftIn):
            own = compile_program(donor.config).tensors
            tensors |= {
                f"{number}.{name}": tensor
                for number, part in enumerate(own)
                for name, tensor in part.items()
            }
    return tensors


def _mask(nodes: Sequence[Node], dimensions: Dimensions) -> Tensor:
    heads, tokens = dimensions.heads, dimensions.tokens
    point = nodes[0].point
    if point in ROW_POINTS:
        mask = torch.zeros(heads, tokens, tokens, 1)
        mask[[n.head for n in nodes], [n.row for n in nodes], [n.key for n in nodes]] = 1
    elif point in HEAD_POINTS:
        mask = torch.zeros(heads, 1, tokens, 1)
        mask[[n.head for n in nodes], :, [n.row for n in nodes]] = 1
    elif point is Point.LOGITS:
        mask = torch.ones(1, 1)
    else:
        mask = torch.zeros(1, tokens, 1)
        mask[:, [n.row for n in nodes]] = 1
    return mask


def _value_tensors(
    clamp: BaseClamp, point: Point, mask: Tensor, config: RunConfig
) -> dict[str, Tensor]:
    """What the value is made from, with the axes of the mask (and features where they differ)."""
    if numbers := clamp.numbers():
        return {name: torch.full_like(mask, number) for name, number in numbers.items()}
    if isinstance(clamp, PerfectCopy):
        head = torch.zeros(config.model.heads)
        head[list(clamp.site.heads or ())] = 1
        return {"head": head}
    if clamp.source_at(point) is Source.CONSTANT:
        return {"constant": _constant(clamp, point, mask, config)}
    return {}


def _constant(clamp: BaseClamp, point: Point, mask: Tensor, config: RunConfig) -> Tensor:
    """The constant with all axes of its point: equal layouts have equal shapes."""
    size = dimensions_of(config.model, config.task, config.training).features_at(point)
    if point in ROW_POINTS:
        full, axis = list(mask.shape), 2
    else:
        axis = 1 if point in HEAD_POINTS else 0
        full = [size if number == axis else length for number, length in enumerate(mask.shape)]
    value = torch.tensor(clamp.constant(config.task.tokens))
    if value.ndim == 2:  # [row, key]
        return value[None, :, :, None].expand(full)
    along = [-1 if number == axis and value.ndim else 1 for number in range(len(full))]
    return value.view(along).expand(full)


def stack_programs(programs: Sequence[ProgramData]) -> Tensors:
    """Programs of equal layout as one, with a leading run axis."""
    return tuple(
        {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
        for parts in zip(*(program.tensors for program in programs), strict=True)
    )
