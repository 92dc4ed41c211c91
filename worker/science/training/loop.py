"""The training loop, as a generator of reports.

A single run is a cohort of one, by the same code. Nothing here knows of databases or queues: the
caller decides what to do with a report, and may ask for the state between two of them.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, METRICS, Evaluator, Measurement, ProbeSequence
from worker.science.clamps.program import (
    NO_DONORS,
    Donors,
    Layout,
    Tensors,
    compile_program,
    stack_programs,
)
from worker.science.composition import compositions
from worker.science.data.datasets import Dataset
from worker.science.data.probe import probe_sequences
from worker.science.data.sequences import TrainingSequences, evaluation_batches
from worker.science.machine.compiler import Compiled
from worker.science.machine.devices import CPU, describe_device, settle, use
from worker.science.measures import HEAD_MEASURES
from worker.science.model import Batch
from worker.science.parameters import Shape, initial_parameters
from worker.science.training.functions import Evaluation, Observation, TrainingState, TrainingStep
from worker.science.training.updates import kind_of_updates

# A second thread gains a third on an idle machine, and loses everything on a busy one: the loops of
# an update are so short that each waits for the slower thread (docs/adr/0007).
DEFAULT_THREADS = 1
STRETCH = 0.02  # seconds in which nobody can stop a training
AT_ONCE = 2**28  # bytes of products of queries and keys, which only compiled programs do without


@dataclass(frozen=True)
class Report:
    """What one run reports at one value of `sequences`."""

    measurement: Measurement
    patterns: np.ndarray | None  # float32 [layer, head, probe, query, key], when a frame is due
    weights: dict[str, Tensor] | None  # copies by name, when a checkpoint is due
    run: int = 0  # its place among the configs
    composition: np.ndarray | None = None  # float32, as `composition_scores`, with the patterns


@dataclass(frozen=True)
class TrainerState:
    """Everything needed to go on after `sequences`: parameters, mean and second, [count] each.

    `optimiser_from`: the sequences at which the optimiser began with moments of 0. `is_fork`:
    nothing was reported here yet, because the state is another run's.
    """

    sequences: int
    elapsed_seconds: float
    tensors: dict[str, Tensor]
    optimiser_from: int = 0
    is_fork: bool = False


@dataclass(frozen=True)
class Programs:
    """The two compiled functions that a training consists of, for one shape and layout."""

    step: Compiled[..., tuple[TrainingState, Tensor]]
    evaluate: Compiled[..., Observation]

    @classmethod
    def of(cls, shape: Shape, layout: Layout, *, compile: bool) -> "Programs":
        """To be compiled at their first call."""
        step, evaluation = TrainingStep(shape, layout), Evaluation(shape, layout)
        return cls(
            Compiled(step, enabled=compile, name=f"update {shape} {layout}"),
            Compiled(
                evaluation,
                enabled=compile,
                name=f"evaluation {shape} {layout}",
                any_size=evaluation.any_size,
            ),
        )


def unheard(stage: str) -> None:
    """Who hears of no stage."""


def never() -> bool:
    """A `should_stop` that lets the training run to its end."""
    return False


class Trainer:
    """Trains a cohort: configs of equal shape, program structure, length and schedule."""

    def __init__(
        self,
        configs: Sequence[RunConfig],
        datasets: Sequence[Dataset],
        *,
        resume: Sequence[TrainerState | None] | None = None,
        initial: Sequence[dict[str, Tensor]] | None = None,
        compile: bool = True,
        threads: int = 0,
        should_stop: Callable[[], bool] = never,
        donors: Donors = NO_DONORS,
        programs: "Programs | None" = None,
        device: torch.device = CPU,
        capture: bool | None = None,
    ) -> None:
        """`initial` replaces the seeds' initial weights; `threads` 0 means `DEFAULT_THREADS`;
        `donors` are the models of the checkpoints that clamps graft from; `programs` are those of
        another trainer, compiled already; `capture`: whether updates are replayed from fixed
        places, by default on a graphics processor."""
        _check(configs, _OF_STACKS)
        # For the whole process and before anything is computed: the order of a sum depends on it,
        # and so do the last bits of a run.
        torch.set_num_threads(threads or DEFAULT_THREADS)
        self.configs, self.datasets, self.should_stop = configs, datasets, should_stop
        self.stopped, self._stretch = False, 1
        self._first: tuple[Report, ...] = ()  # made ahead of its turn
        self.shape = cohort_shape(configs[0], datasets[0])
        self.where = device
        use(device)
        sequences = TrainingSequences(configs, datasets, device)
        batches, self._drawn = evaluation_batches(configs, datasets)
        features = batches[0].features.to(device)  # of all of them
        self._batches = [_moved(one._replace(features=features), device) for one in batches]
        # Read by every update and by the graph, written to by nothing after this.
        self.layout, self._program = _stacked(configs, donors, device)
        self.programs = programs or Programs.of(self.shape, self.layout, compile=compile)
        self._step, self._evaluate = self.programs.step, self.programs.evaluate
        # Copied to the device: what was resumed from is not changed by the training.
        state = self._restored(resume, initial)
        self._updates = kind_of_updates(device, sequences, capture)(
            self._step, configs, sequences, self._program, state, self._optimiser_from
        )

    def _restored(
        self,
        resume: Sequence[TrainerState | None] | None,
        initial: Sequence[dict[str, Tensor]] | None,
    ) -> TrainingState:
        """The state to start with, on the device; sets where that is."""
        states = [state for state in resume or () if state is not None]
        self._fork = self._update_at(states[0].sequences) if states and states[0].is_fork else None
        self.resumed = bool(states) and self._fork is None
        self._optimiser_from = [self._update_at(s.optimiser_from) for s in states]
        if states:
            self._update = self._update_at(states[0].sequences)
            self._elapsed = max(state.elapsed_seconds for state in states)
            parts = [[s.tensors[name] for s in states] for name in TrainingState._fields]
            return TrainingState(*(torch.stack(part).to(self.where) for part in parts))
        named = initial or [initial_parameters(self.shape, c.seeds.initial) for c in self.configs]
        flat = torch.stack([self.shape.flatten(weights) for weights in named]).to(self.where)
        self._update, self._elapsed = 0, 0.0
        self._optimiser_from = [0] * len(self.configs)
        return TrainingState(flat, torch.zeros_like(flat), torch.zeros_like(flat))

    def _update_at(self, sequences: int) -> int:
        return sequences // self.configs[0].training.batch_size

    @property
    def sequences(self) -> int:
        """Sequences seen so far."""
        return self._update * self.configs[0].training.batch_size

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user should know about how this trains; complete after `warm_up`."""
        return tuple({notice for part in (self._step, self._evaluate) if (notice := part.notice)})

    @property
    def device(self) -> str:
        """`CPU, 2 threads, compiled`; `NVIDIA H200, float32, compiled`."""
        return f"{describe_device(self.where)}, {'' if self._step.is_compiled else 'not '}compiled"

    @property
    def _state(self) -> TrainingState:
        return self._updates.state

    @property
    def sizes(self) -> tuple[object, ...]:
        """What is compiled for: the shapes of all that goes into a report, which hold the runs."""
        return tuple(part.shape for part in self._batches[0])

    @property
    def batch_loss(self) -> Tensor:
        """The loss of the last update, per run: [run]."""
        return self._updates.loss

    def probe(self, run: int) -> list[ProbeSequence]:
        """The sequences whose patterns the frames of a run show."""
        return probe_sequences(self._drawn[run][Evaluator.TRAIN], self.datasets[run])

    def state(self, run: int) -> TrainerState:
        """A copy of what is needed to go on from here."""
        parts = self._state._asdict().items()
        # A copy also on a processor: the recorder saves it while the next updates are being made,
        # and captured ones overwrite the state. It waits for what is queued on the device.
        tensors = {name: part[run].to("cpu", copy=True) for name, part in parts}
        begun = self._optimiser_from[run] * self.configs[run].training.batch_size
        return TrainerState(self.sequences, self._elapsed, tensors, begun)

    @torch.no_grad()
    def warm_up(self, told: Callable[[str], None] = unheard) -> None:
        """Compiles what this machine has not, and changes nothing; `told` hears what."""
        if not self._updates.are_at_hand(self._update):
            told("compiles the update program")
        self._updates.warm_up(self._update)
        evaluated = self._evaluated()[0]  # as large as the others
        if not self._evaluate.is_at_hand(*evaluated):
            told("compiles the evaluation")
        self._evaluate.warm_up(*evaluated)

    @torch.no_grad()
    def reports(self) -> Iterator[tuple[Report, ...]]:
        """Trains, and yields one report per run wherever a measurement is due.

        A resumed training starts with the report after the one it was saved at, a fork with one at
        the fork. `should_stop` is asked every few updates; what was due by then has been reported.
        """
        clock = time.perf_counter() - self._elapsed
        start, updates = self._update, self.configs[0].training.updates
        while True:
            if self._is_due("evaluate_every") and not (self.resumed and self._update == start):
                # First all queued updates, then the clock: else the time would be that of asking
                # for them.
                settle(self.where)
                self._elapsed = time.perf_counter() - clock
                # While the caller has it, nothing is trained: what it asks for (`state`,
                # `weights`) is of this very report.
                yield self._first or self._report()
                self._first = ()
            if self._update == updates:
                return
            # After the report that was due here, so that a run that stops has measured where it
            # stands, and its resume point lies at a measurement or past it.
            for count in self._stretches():
                if self.should_stop():
                    self._elapsed, self.stopped = time.perf_counter() - clock, True
                    return
                self.train(count)

    def _stretches(self) -> Iterator[int]:
        """How many updates to make at a time up to the next report, about `STRETCH` seconds'."""
        due = self._next_due()
        while left := due - self._update:
            begun, count = time.perf_counter(), min(self._stretch, left)
            yield count
            passed = max(time.perf_counter() - begun, 1e-6)
            # Only who may interrupt depends on it, and never a number. At most twice as many at
            # once, for the first ones may still be queued.
            self._stretch = max(1, min(2 * self._stretch, round(count * STRETCH / passed)))

    def _next_due(self) -> int:
        """The update before which the next report is due."""
        due = self._update + 1
        while not is_due(self.configs[0], due, "evaluate_every"):
            due += 1
        return due

    @torch.no_grad()
    def train(self, updates: int) -> None:
        """Some updates without a report."""
        self._updates.make(self._update, updates)
        self._update += updates

    def _is_due(self, interval: str) -> bool:
        return self._update == self._fork or is_due(self.configs[0], self._update, interval)

    def _evaluated(self) -> list[tuple[Tensor, Tensors, Batch, Tensor]]:
        """What a report is made of, by evaluator. Its lights are those of the next training
        sequence."""
        clock = torch.tensor([self.sequences], device=self.where)
        return [(self._state.parameters, self._program, one, clock) for one in self._batches]

    @property
    def begins_at_once(self) -> bool:
        """Whether the report at the very start is made without compiled programs, so that there is
        one while they are compiled. Of what is trained alone, so that an attempt repeats another,
        whatever is compiled already."""
        model, sequences = self.configs[0].model, self._batches[0].target.shape[-1]
        needed = 4 * model.width * self.shape.tokens**2 * sequences
        return self._update == 0 and self.where.type == "cpu" and needed <= AT_ONCE

    @torch.no_grad()
    def first_report(self) -> tuple[Report, ...]:
        """The report at the very start, of a training that begins at once."""
        self._first = self._report()
        return self._first

    def _report(self) -> tuple[Report, ...]:
        look = self._evaluate.function if self.begins_at_once else self._evaluate
        # On the stream of the updates, so after them all; evaluation writes to nothing of theirs.
        # Copied when all are queued: each copy waits for a graphics processor.
        seen = tree_map(Tensor.cpu, [look(*evaluated) for evaluated in self._evaluated()])
        scores = None
        if self._is_due("frame_every"):
            scores = compositions(self.shape)(self._state.parameters).cpu().numpy()
        return tuple(self._report_of(run, seen, scores) for run in range(len(self.configs)))

    def _report_of(
        self, run: int, seen: Sequence[Observation], scores: np.ndarray | None
    ) -> Report:
        """`seen`: by each of `EVALUATORS`."""
        by_metric = zip(*(one.metrics[run].tolist() for one in seen), strict=True)
        metrics = dict(zip((m.value for m in METRICS), by_metric, strict=True))
        train = seen[EVALUATORS.index(Evaluator.TRAIN)]
        heads = zip(HEAD_MEASURES, (part[run].tolist() for part in train.heads), strict=True)
        measurement = Measurement(
            sequences=self.sequences, elapsed_seconds=self._elapsed, **metrics, **dict(heads)
        )
        is_frame = scores is not None
        return Report(
            measurement,
            train.patterns[run].permute(0, 1, 4, 2, 3).contiguous().numpy() if is_frame else None,
            self.weights(run) if self._is_due("checkpoint_every") else None,
            run,
            None if scores is None else scores[run],
        )

    def weights(self, run: int) -> dict[str, Tensor]:
        """A copy of the weights by name."""
        # Views of one copy, which nobody else has.
        return self.shape.unflatten(self._state.parameters[run].to("cpu", copy=True))


def _stacked(
    configs: Sequence[RunConfig], donors: Donors, device: torch.device
) -> tuple[Layout, Tensors]:
    """The layout that all runs share, and their programs on the device."""
    data = [compile_program(config, donors) for config in configs]
    if any(one.layout != data[0].layout for one in data):
        raise ValueError("runs of one cohort must have the same clamped points")
    parts = stack_programs(data)
    return data[0].layout, tuple(
        {name: tensor.to(device) for name, tensor in part.items()} for part in parts
    )


def _moved(batch: Batch, device: torch.device) -> Batch:
    return Batch(*(part.to(device) for part in batch))


def is_due(config: RunConfig, update: int, interval: str) -> bool:
    """Whether something is reported before this update: the first at or past each multiple of its
    interval, and the end. Paper section 1, "Loop / cadence"."""
    every, size = getattr(config.recording, interval), config.training.batch_size
    past, before = update * size // every, (update - 1) * size // every
    return past != before or update == config.training.updates


def cohort_shape(config: RunConfig, dataset: Dataset) -> Shape:
    """The shape that all runs of a cohort share."""
    features = dataset.features.shape[-1]
    return Shape(config.model, features, config.task.labels, config.task.context_pairs)


def check_cohort(configs: Sequence[RunConfig]) -> None:
    """Raises ValueError if configs cannot be trained by one compiled update."""
    _check(configs, _OF_UPDATES)


def _check(configs: Sequence[RunConfig], shared: "Mapping[str, Trait]") -> None:
    for first, second in pairwise(configs):
        for what, of in shared.items():
            if of(first) != of(second):
                raise ValueError(f"runs of one cohort must have the same {what}")


Trait = Callable[[RunConfig], object]
_OF_UPDATES: dict[str, Trait] = {
    "model": lambda config: config.model,
    "labels": lambda config: config.task.labels,
    "context": lambda config: (config.task.context_pairs, config.task.burstiness),
    "input noise": lambda config: config.task.input_noise > 0,
    "batch size": lambda config: config.training.batch_size,
}
_OF_STACKS: dict[str, Trait] = _OF_UPDATES | {
    "sequences": lambda config: config.training.sequences,
    "recording": lambda config: config.recording,
}
