"""Many models under many programs, over a set of sequences: `measured`."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from app.schemas.clamps.base import Source
from worker.science.analysis.inspection import Inspection, Seen
from worker.science.analysis.results import Inspected, by_name, mean_of
from worker.science.clamps.program import (
    Layout,
    ProgramData,
    Tensors,
    stack_programs,
    with_full_parts,
)
from worker.science.data.datasets import Dataset
from worker.science.data.exhaustive import SequenceSet
from worker.science.data.sequences import Table
from worker.science.data.splits import Pool
from worker.science.machine.compiler import Compiled
from worker.science.machine.devices import CPU
from worker.science.model import Batch
from worker.science.parameters import Shape

# Columns (sequences times programs) that are computed at once: few enough that what is in hand
# stays in a processor's cache, many enough that calling costs nothing beside computing.
COLUMNS = 4096
PROGRAMS = 16  # at once: what they share is computed for all of them
MOST_TOGETHER = 200_000  # sequences, of programs that look at all of them at once
_ACROSS = (Source.MEAN, Source.OTHER)


@dataclass(frozen=True)
class Subject:
    """What is looked at: models of one shape, and the sequences. models [model, parameter]."""

    shape: Shape
    models: Tensor
    features: Tensor  # [N, features]
    row: Tensor  # [P + 1, n], in the features
    sequences: SequenceSet

    @classmethod
    def of(
        cls, shape: Shape, models: Tensor, dataset: Dataset, pool: Pool, sequences: SequenceSet
    ) -> "Subject":
        table = Table.of(dataset, pool)
        row = torch.from_numpy(table.rows(sequences.drawn))
        return cls(shape, models, table.features, row, sequences)

    def batch(self, places: slice, size: int) -> tuple[Batch, Tensor]:
        """Some of the sequences, the first again where they are fewer than `size`, and which of
        them count (1 or 0)."""
        drawn = self.sequences.drawn
        chosen = np.arange(len(self.sequences))[places]
        counts = torch.arange(size) < len(chosen)
        chosen = np.concatenate([chosen, np.zeros(size - len(chosen), chosen.dtype)])
        row, labels = self.row[:, chosen], torch.from_numpy(drawn.labels[:, chosen])
        batch = Batch(self.features, row, labels, torch.from_numpy(drawn.target[chosen]))
        return batch, counts.float()


@dataclass(frozen=True)
class Manner:
    """How to look. `at`: where training stands, for clamps with a window. `whole`: attention of
    all tokens of the last layer, too, and not of its query alone."""

    at: int = 0
    whole: bool = True
    compile: bool = False
    threads: int = 1
    device: torch.device = CPU


@dataclass
class CompiledLook:
    """An inspection, compiled for the sizes that were looked at so far."""

    at: Compiled[..., Seen]
    sizes: set[tuple[int, int]] = field(default_factory=set)  # of programs and of sequences


class Looks:
    """Looks at models of one shape, kept by what they look for. One that was made anew for each
    checkpoint was compiled anew, which took longer than to look, and which the compiler refuses
    after some hundred times."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self._known: dict[tuple[Layout, bool, bool, bool], CompiledLook] = {}

    def of(self, layout: Layout, manner: Manner, *, is_unclamped: bool) -> CompiledLook:
        """The look at programs of a layout."""
        key = (layout, manner.whole, manner.compile, is_unclamped)
        if key not in self._known:
            inspection = Inspection(
                self._shape, layout, whole=manner.whole, reports_unclamped=is_unclamped
            )
            self._known[key] = CompiledLook(Compiled(inspection, enabled=manner.compile))
        return self._known[key]


def measured(
    subject: Subject,
    programs: Sequence[ProgramData],
    manner: Manner = Manner(),
    *,
    unclamped: Sequence[int] = (),
    looks: Looks | None = None,
) -> Iterator[Inspected]:
    """Every model under every program: by models, and within each by programs of one layout.

    `unclamped`: programs whose patterns are reported of a pass without clamps. `looks`: those of
    earlier calls about models of this shape. Raises ValueError if a program looks at more sequences
    at once than memory has room for.
    """
    groups = list(_groups(looks or Looks(subject.shape), programs, manner, unclamped))
    for group in groups:
        group.check(len(subject.sequences))
    with _threads(manner.threads) as pool:
        for model in range(len(subject.models)):
            for group in groups:
                yield from group.of(subject, model, pool)


@contextmanager
def _threads(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that take turns with parts of the sequences: torch's own would wait for each other
    after every operation, and for hours where others use the processor."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(count) as pool:
            yield pool
    finally:
        torch.set_num_threads(before)


def _groups(
    looks: Looks, programs: Sequence[ProgramData], manner: Manner, unclamped: Sequence[int]
) -> Iterator["_Group"]:
    """Programs that can be looked at together."""
    programs = [with_full_parts(program) for program in programs]
    alike: dict[tuple[Layout, bool], list[int]] = {}
    for place, program in enumerate(programs):
        alike.setdefault((program.layout, place in unclamped), []).append(place)
    for (layout, is_unclamped), places in alike.items():
        look = looks.of(layout, manner, is_unclamped=is_unclamped)
        most = PROGRAMS if layout else len(places)
        # All of one size, since each size is compiled for itself.
        size = -(-len(places) // -(-len(places) // most))
        for start in range(0, len(places), size):
            yield _Group(look, layout, places[start : start + size], size, programs, manner)


@dataclass
class _Group:
    """Programs of one layout, looked at together. `size`: how many, with some twice."""

    look: CompiledLook
    layout: Layout
    places: list[int]
    size: int
    programs: Sequence[ProgramData]
    manner: Manner

    @property
    def is_across(self) -> bool:
        """Whether what it does to a sequence depends on the others beside it."""
        return any(part.source in _ACROSS for part in self.layout)

    def check(self, count: int) -> None:
        if self.is_across and count > MOST_TOGETHER:
            raise ValueError(
                f"a program that averages or resamples looks at all sequences at once; {count:,} "
                f"are too many, at most {MOST_TOGETHER:,} can be"
            )

    def of(self, subject: Subject, model: int, pool: ThreadPoolExecutor) -> Iterator[Inspected]:
        """What one model does under each program."""
        device, flat, tensors = self.manner.device, subject.models[model, None], self._tensors()
        clock, count = torch.tensor([self.manner.at]), len(subject.sequences)
        size = min(count, count if self.is_across else max(COLUMNS // self.size, 64))
        parts = [slice(start, start + size) for start in range(0, count, size)]
        collected = [_Collected(subject.sequences) for _ in self.places]

        @torch.no_grad()  # of each thread
        def seen(places: slice) -> Seen:
            batch, counts = subject.batch(places, size)
            given = (flat, tensors, batch, counts, clock)
            parts = self.look.at(*tree_map(lambda part: part.to(device), given))
            return Seen._make(part[0].cpu() for part in parts)

        if (self.size, size) not in self.look.sizes:
            seen(parts[0])  # compiled by one thread
            self.look.sizes.add((self.size, size))
        for places, one in zip(parts, pool.map(seen, parts), strict=True):
            for number, collects in enumerate(collected):
                collects.add(places, one, number)
        for place, collects in zip(self.places, collected, strict=True):
            yield collects.measured(model, place)

    def _tensors(self) -> Tensors:
        again = [self.places[-1]] * (self.size - len(self.places))
        return stack_programs([self.programs[place] for place in (*self.places, *again)])


class _Collected:
    """What one program gave, part by part; in double precision where it is a sum."""

    def __init__(self, sequences: SequenceSet) -> None:
        count = len(sequences)
        self._sequences = sequences
        self._loss = np.empty(count, np.float32)
        self._right, self._in_context = np.empty(count, bool), np.empty(count, bool)
        self._sums: list[np.ndarray] = [np.zeros(())] * 3

    def add(self, places: slice, seen: Seen, program: int) -> None:
        """The next part."""
        loss, right, in_context, *sums = (part[program].numpy() for part in seen)
        own = self._loss[places]
        count = len(own)
        own[:] = loss[:count]
        self._right[places], self._in_context[places] = right[:count] > 0, in_context[:count] > 0
        self._sums = [so_far + part for so_far, part in zip(self._sums, sums, strict=True)]

    def measured(self, model: int, program: int) -> Inspected:
        count, is_sample = len(self._sequences), self._sequences.is_sample
        metrics, induction, previous = (
            mean_of(sums, count, is_sample=is_sample) for sums in self._sums
        )
        return Inspected(
            model=model,
            program=program,
            sequences=self._sequences,
            loss=self._loss,
            right=self._right,
            right_in_context=self._in_context,
            metrics=by_name(metrics),
            induction_strength=induction,
            previous_token_attention=previous,
        )
