"""Programs as data: a run's clamps as parts, each an edit of one activation, with its tensors.

What parts there are is the layout: it is structure, and decides the compiled program. Which heads
and rows a part covers, how strongly and when, is data, so runs that differ only there share one
program. `worker.science.edits` makes edits of them for the sequences at hand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor

from app.schemas.clamp import (
    ForbidNonLabels,
    ForbidPreviousToken,
    GraftIn,
    GraftOut,
    InductionPattern,
    MatchPattern,
    MeanAblate,
    PerfectCopy,
    PerfectLayer1,
    Preserve,
    PreviousTokenPattern,
    Resample,
    Scale,
    SetConstant,
    Temperature,
)
from app.schemas.clamp_base import BaseClamp
from app.schemas.config import RunConfig, dimensions_of
from app.schemas.dimensions import Dimensions
from app.schemas.footprint import Node, footprint
from app.schemas.site import HEAD_POINTS, ROW_POINTS, Point
from worker.science.model import MASKED
from worker.science.parameters import Shape

ALWAYS = 2**62  # a sequence number that no training reaches


class Source(StrEnum):
    """What a part's value is made from."""

    CONSTANT = "constant"
    FACTOR = "factor"  # times the activation itself
    LABELS = "labels"  # shares of the label tokens: induction
    ALIKE = "alike"  # shares by how alike exemplars look: match
    UNCLAMPED = "unclamped"  # the same site in a pass without clamps
    MEAN = "mean"  # its mean over the batch
    OTHER = "other"  # its value in another sequence
    EMBEDDED = "embedded"  # the embedding of this pass
    SHIFTED = "shifted"  # that of the token before
    GRAFT = "graft"  # the same site in a donor
    COPY = "copy"  # a head's scores, as logits
    GRAFT_OUT = "graft_out"  # the logits of a donor that goes on from here


FROM_UNCLAMPED = frozenset({Source.UNCLAMPED, Source.MEAN, Source.OTHER})
AFTERWARDS = frozenset({Source.COPY, Source.GRAFT_OUT})  # made from activations of the whole pass


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
class Part:
    """One edit of one activation: where, and what its value is made from."""

    point: Point
    layer: int | None
    source: Source
    from_layer: int | None = None  # of COPY and GRAFT_OUT
    is_stopped: bool = False  # no gradient through the reference
    is_unclamped: bool = False  # COPY: from a pass without clamps
    is_windowed: bool = False
    donor: DonorLayout | None = None

    @property
    def covers_all(self) -> bool:
        """Whether the part replaces its activation wholly, always."""
        return not self.is_windowed and self.source in _WHOLE_SOURCES


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
    packed: list[tuple[Part, dict[str, Tensor]]] = []
    for clamp in sorted(config.program, key=_precedence):
        for part, tensors in _parts(clamp, config, donors):
            for other, there in packed:
                if other == part and _merge(there, tensors):
                    break
            else:
                packed.append((part, tensors))
    packed.sort(key=lambda one: (one[0].point, one[0].layer or 0))
    return ProgramData(tuple(part for part, _ in packed), tuple(data for _, data in packed))


def _precedence(clamp: BaseClamp) -> tuple[int, int, str]:
    """References, then factors, then assignments; these as the published code orders them."""
    order = _ORDER.index(type(clamp)) if type(clamp) in _ORDER else len(_ORDER)
    return clamp.phase, order, clamp.title


# Later ones win where a program (of the published code) sets something twice.
_ORDER = [PreviousTokenPattern, InductionPattern, MatchPattern, ForbidPreviousToken]


def _merge(there: dict[str, Tensor], tensors: dict[str, Tensor]) -> bool:
    """Adds a part's tensors to another's where their masks do not overlap; False if they do."""
    mine = tensors["mask"] > 0
    if bool((mine & (there["mask"] > 0)).any()) or "weights" in tensors:
        return False
    for name, tensor in tensors.items():
        there[name] = torch.where(mine, tensor, there[name])
    return True


def _parts(
    clamp: BaseClamp, config: RunConfig, donors: Donors
) -> list[tuple[Part, dict[str, Tensor]]]:
    """What one clamp edits: one part per layer and point."""
    dimensions = dimensions_of(config.model, config.task, config.training)
    places: dict[tuple[Point, int], list[Node]] = {}
    for node in sorted(footprint(clamp, dimensions)):
        places.setdefault((node.point, node.layer), []).append(node)
    return [
        (
            _part(clamp, point, layer, config, donors),
            _tensors(clamp, nodes, config, dimensions, donors),
        )
        for (point, layer), nodes in places.items()
    ]


def _part(clamp: BaseClamp, point: Point, layer: int, config: RunConfig, donors: Donors) -> Part:
    source = _source(clamp, point)
    return Part(
        point=point,
        layer=layer if layer >= 0 else None,
        source=source,
        from_layer=clamp.site.layer if source in AFTERWARDS else None,
        is_stopped=getattr(clamp, "gradient", "through") == "stop",
        is_unclamped=isinstance(clamp, PerfectCopy) and clamp.source == "unclamped",
        is_windowed=clamp.is_windowed,
        donor=_donor_layout(clamp, donors) if isinstance(clamp, GraftIn | GraftOut) else None,
    )


def _source(clamp: BaseClamp, point: Point) -> Source:
    if isinstance(clamp, PerfectLayer1):
        return Source.EMBEDDED if point is Point.RESID else Source.SHIFTED
    return _SOURCES.get(type(clamp), Source.CONSTANT)


_SOURCES: dict[type[BaseClamp], Source] = {
    Scale: Source.FACTOR,
    Temperature: Source.FACTOR,
    InductionPattern: Source.LABELS,
    MatchPattern: Source.ALIKE,
    Preserve: Source.UNCLAMPED,
    MeanAblate: Source.MEAN,
    Resample: Source.OTHER,
    GraftIn: Source.GRAFT,
    PerfectCopy: Source.COPY,
    GraftOut: Source.GRAFT_OUT,
}


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
    if isinstance(clamp, Scale):
        return {"factor": torch.full_like(mask, clamp.by)}
    if isinstance(clamp, Temperature):
        return {"factor": torch.full_like(mask, 1 / clamp.temperature)}
    if isinstance(clamp, InductionPattern):
        return {"strength": torch.full_like(mask, clamp.strength)}
    if isinstance(clamp, MatchPattern):
        return {"temperature": torch.full_like(mask, clamp.temperature)}
    if isinstance(clamp, PerfectCopy):
        head = torch.zeros(config.model.heads)
        head[list(clamp.site.heads or ())] = 1
        return {"head": head}
    if _source(clamp, point) is Source.CONSTANT:
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
    if isinstance(clamp, PreviousTokenPattern):
        return _previous_token(config.task.tokens, clamp.strength)[None, :, :, None].expand(full)
    if isinstance(clamp, ForbidPreviousToken | ForbidNonLabels):
        return torch.full(full, MASKED)
    value = clamp.value if isinstance(clamp, SetConstant) else 0.0
    if not isinstance(value, tuple):
        return torch.full(full, float(value))
    along = [-1 if number == axis else 1 for number in range(len(full))]
    return torch.tensor(value).view(along).expand(full)


def _previous_token(tokens: int, strength: float) -> Tensor:
    """Row i: `strength` on i - 1, the rest on i; row 0 on itself. Paper section 3, option 9."""
    pattern = (1 - strength) * torch.eye(tokens)
    pattern += strength * torch.diag(torch.ones(tokens - 1), -1)
    pattern[0, 0] = 1.0
    return pattern


def stack_programs(programs: Sequence[ProgramData]) -> Tensors:
    """Programs of equal layout as one, with a leading run axis."""
    return tuple(
        {name: torch.stack([part[name] for part in parts]) for name in parts[0]}
        for parts in zip(*(program.tensors for program in programs), strict=True)
    )
