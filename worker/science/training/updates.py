"""The updates of a cohort, one after the other; nothing is read back in between.

An update is a few dozen kernels and products, which take less time than the interpreter needs to
call them. So an update is captured once and replayed: on a processor from C++, on a graphics
processor as a CUDA graph. Where neither can be, each update is a call.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves

from app.schemas.config import RunConfig
from worker.science.clamps.program import Tensors
from worker.science.data.sampler import BLOCK
from worker.science.data.sequences import Drawn, TrainingSequences
from worker.science.machine.compiler import Compiled
from worker.science.machine.replay import Captured
from worker.science.model import Batch
from worker.science.training.functions import Adam, TrainingState

Step = Compiled[..., tuple[TrainingState, Tensor]]
WARM_UPS = 3  # calls before a capture, in which libraries take the memory that they keep


class Updates:
    """Makes updates in order, from any of them on."""

    def __init__(
        self,
        step: Step,
        configs: Sequence[RunConfig],
        sequences: TrainingSequences,
        program: Tensors,
        state: TrainingState,
        begun: Sequence[int],
    ) -> None:
        """`begun`: the update at which Adam's moments of each run were 0."""
        self._step, self._configs, self._begun = step, configs, begun
        self._sequences, self._program, self.state = sequences, program, state
        self._device = state.parameters.device
        self._adam = Adam(*(part.to(self._device) for part in adam_settings(configs)))
        self.loss = torch.zeros(len(configs), device=self._device)  # of the last update, per run
        self._timed, self._timing = -1, _NOTHING

    def make(self, update: int, count: int = 1) -> None:
        """So many updates of every run, from `update` on, which counts from 0."""
        for number in range(update, update + count):
            # New tensors, not the old ones overwritten: who asked for the state before this update
            # still has it. What is replayed promises no such thing.
            self.state, self.loss = self._step(*self._arguments_of(number))

    def are_at_hand(self, update: int) -> bool:
        """Whether nothing is to be compiled."""
        return self._step.is_at_hand(*self._arguments_of(update))

    def warm_up(self, update: int) -> None:
        """Compiles, without changing anything."""
        self._step.warm_up(*self._arguments_of(update))

    def _arguments_of(
        self, update: int
    ) -> tuple[TrainingState, Adam, Tensor, Tensors, Batch, Tensor]:
        block, offset = divmod(update, BLOCK)
        self._set_clock(block)
        # Views of the block, which nothing writes to while it is in use: a new block is new
        # tensors.
        corrections, numbers = (part[offset] for part in self._timing)
        batch = self._sequences.batch(update)
        return self.state, self._adam, corrections, self._program, batch, numbers

    def _set_clock(self, block: int) -> None:
        """Adam's corrections [BLOCK, run, 2] and the sequences' numbers [BLOCK, B] of a block."""
        # Made once a block and for all of its updates, so that nothing is computed on the host and
        # copied between two of them.
        if block == self._timed:
            return
        first, size = block * BLOCK, self._configs[0].training.batch_size
        # On the processor and in double precision until it is put into a tensor: a resumed run
        # gets the same bits wherever in the block it starts.
        made = [correction(self._configs, first + n, self._begun) for n in range(BLOCK)]
        numbers = torch.arange(first * size, (first + BLOCK) * size).view(BLOCK, size)
        self._timing = torch.stack(made).to(self._device), numbers.to(self._device)
        self._timed = block


class ReplayedUpdates(Updates):
    """The same on a processor, replayed from C++; `state` is overwritten by the updates after."""

    _captured: Captured | None = None
    _is_begun = False

    def warm_up(self, update: int) -> None:
        """Compiles, captures, and changes nothing."""
        super().warm_up(update)
        self._begin(update)

    def make(self, update: int, count: int = 1) -> None:
        if not self._is_begun:
            self._begin(update)
        if self._captured is None:
            return super().make(update, count)
        while count:
            # Only within a block does an update read as far from where the one before did, and not
            # what is copied for each.
            within = 1 if self._sequences.is_spread else min(count, BLOCK - update % BLOCK)
            self._replay(self._captured, update, within)
            update, count = update + within, count - within

    def _begin(self, update: int) -> None:
        self._is_begun = True
        self._captured = self._step.captured(*self._arguments_of(update))
        if self._captured is None:
            return
        # The one is read while the other is written to, in turns. Neither is the caller's.
        self.state, self._other = (
            TrainingState(*(part.clone() for part in self.state)) for _ in range(2)
        )
        self.loss = self.loss.clone()

    def _replay(self, captured: Captured, update: int, count: int) -> None:
        now, then = (
            [*tree_leaves(self._arguments_of(number)), *self._other, self.loss]
            for number in (update, update + (count > 1))
        )
        swapped = [(n, len(now) - 4 + n) for n in range(3)]
        captured(now, times=count, next=then, swapped=swapped)
        if count % 2:
            self.state, self._other = self._other, self.state


class CapturedUpdates(Updates):
    """The same, with all that an update reads and writes at places that never change.

    Which update of the block it is stands on the device, too, and counts itself up.
    """

    _place: Tensor
    _held: tuple[Tensor, ...]
    _replay: Callable[[], None] | None = None
    _loaded = -1

    def make(self, update: int, count: int = 1) -> None:
        for number in range(update, update + count):
            self._make_one(number)

    def _make_one(self, update: int) -> None:
        block, offset = divmod(update, BLOCK)
        # Relies on updates being made in order, each once: within a block nothing is told to the
        # device, which counts `_place` up by itself.
        if block != self._loaded:
            self._load(block)
            self._place.fill_(offset)
        if self._replay is None:
            self._replay = self._captured()
        # Only queued: the host goes on to the next update. Who reads `state` reads on the same
        # stream, and so after this.
        self._replay()

    def warm_up(self, update: int) -> None:
        """Compiles for what will be captured: tensors of these strides, too."""
        block, offset = divmod(update, BLOCK)
        self._load(block)
        self._place.fill_(offset)
        self._step.warm_up(*self._arguments())
        # So that the first update loads again and sets `_place`.
        self._loaded = -1

    def _load(self, block: int) -> None:
        """Puts a block's sequences and times where the graph reads them."""
        self._set_clock(block)
        new = (*self._sequences.drawn(block), *self._timing)
        # The places that the graph will know: from here on they are written to and never replaced,
        # the caller's own tensors left as they are.
        if not hasattr(self, "_held"):
            self._held = tuple(part.clone() for part in new)
            self._place = torch.zeros(1, dtype=torch.int64, device=self._device)
            self.state = TrainingState(*(part.clone() for part in self.state))
        for held, part in zip(self._held, new, strict=True):
            # Queued behind the replays of the block before, which read `held`: no need to wait for
            # them. Were `part` put in its place instead, the graph would go on reading the old
            # memory.
            held.copy_(part)
        self._loaded = block

    def _captured(self) -> Callable[[], None]:
        """One update, to be replayed."""
        # Tests take this path on a processor: the same places and counts, without a graph.
        if self._device.type != "cuda":
            return self._in_place
        # The warm-ups are real updates; what they do to the state is taken back below. A capture
        # runs nothing.
        kept = [part.clone() for part in (*self.state, self._place)]
        # Beside the default stream, as PyTorch asks for: libraries set up here what they may not
        # within a capture (handles, workspaces). Each stream waits for the other, the warm-ups for
        # what was loaded and the rest for them.
        aside = torch.cuda.Stream(self._device)
        aside.wait_stream(torch.cuda.current_stream(self._device))
        with torch.cuda.stream(aside):
            for _ in range(WARM_UPS):
                self._place.copy_(kept[-1])  # a block may end here
                self._in_place()
        torch.cuda.current_stream(self._device).wait_stream(aside)
        for part, before in zip((*self.state, self._place), kept, strict=True):
            # In place, as the graph will read these tensors and no others.
            part.copy_(before)
        graph = torch.cuda.CUDAGraph()
        # No allocation in here is freed or given to others as long as the graph lives; each replay
        # writes to the same memory. Nothing may ask the device for a number meanwhile.
        # Of this thread alone: the recorder's may copy and allocate as they like.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._in_place()
        return graph.replay

    def _arguments(self) -> tuple[object, ...]:
        """Of the update that the place says, read from where the block is held."""
        # By an index on the device: one from the host would be the same in every replay.
        row, labels, target = (part.index_select(1, self._place)[:, 0] for part in self._held[:3])
        corrections, numbers = (part.index_select(0, self._place)[0] for part in self._held[3:])
        batch = self._sequences.batch_of(Drawn(row, labels, target))
        return self.state, self._adam, corrections, self._program, batch, numbers

    def _in_place(self) -> None:
        state, loss = self._step(*self._arguments())
        for mine, new in zip((*self.state, self.loss), (*state, loss), strict=True):
            # What the step returns lies in the graph's memory, which the next replay overwrites.
            mine.copy_(new)
        # After the arguments were read; past the end of the block it is set back by `make`.
        self._place.add_(1)


def kind_of_updates(
    device: torch.device, sequences: TrainingSequences, capture: bool | None = None
) -> type[Updates]:
    """How they are made there. `capture`: whether as on a graphics processor."""
    # Noise is drawn on the host for every update: a graph would replay that of its capture.
    if (device.type == "cuda" if capture is None else capture) and not sequences.has_noise:
        return CapturedUpdates
    return ReplayedUpdates if device.type == "cpu" else Updates


_NOTHING = (torch.empty(0), torch.empty(0))


def adam_settings(configs: Sequence[RunConfig]) -> Adam:
    """Adam's settings of every run, each [run]."""
    return Adam(
        *(
            torch.tensor([getattr(config.training, name) for config in configs])
            for name in Adam._fields
        )
    )


def correction(
    configs: Sequence[RunConfig], update: int, begun: Sequence[int] | None = None
) -> Tensor:
    """Adam's bias corrections 1 - beta ** (update + 1), for updates counted from 0: [run, 2].

    `begun`: at which update the moments of each run were 0, if not at the first.
    """
    counts = [update + 1 - start for start in begun or [0] * len(configs)]
    training = [config.training for config in configs]
    return torch.tensor(
        [
            [1 - one.beta1**count, 1 - one.beta2**count]
            for one, count in zip(training, counts, strict=True)
        ]
    )
