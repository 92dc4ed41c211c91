"""The training loop, as a generator of reports.

A single run is a cohort of one, by the same code. Nothing here knows of databases or queues: the
caller decides what to do with a report, and may ask for the state between two of them.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from app.schemas.config import RunConfig
from app.schemas.measure import METRICS, Evaluator, Measurement, ProbeSequence
from worker.science.cohort import Adam, Evaluation, Observation, Step, TrainingState
from worker.science.compiler import Compiled
from worker.science.datasets import Dataset
from worker.science.model import Batch
from worker.science.parameters import Shape, initial_parameters
from worker.science.probe import probe_sequences
from worker.science.program import (
    NO_DONORS,
    Donors,
    Layout,
    Tensors,
    compile_program,
    stack_programs,
)
from worker.science.sequences import TrainingSequences, evaluation_batches

# A second thread gains a third on an idle machine, and loses everything on a busy one: the loops of
# an update are so short that each waits for the slower thread (docs/adr/0007).
DEFAULT_THREADS = 1


@dataclass(frozen=True)
class Report:
    """What one run reports at one value of `sequences`."""

    measurement: Measurement
    patterns: np.ndarray | None  # float32 [layer, head, probe, query, key], when a frame is due
    weights: dict[str, Tensor] | None  # copies by name, when a checkpoint is due
    run: int = 0  # its place among the configs


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
        return cls(
            Compiled(Step(shape, layout), enabled=compile),
            Compiled(Evaluation(shape, layout), enabled=compile),
        )


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
    ) -> None:
        """`initial` replaces the seeds' initial weights; `threads` 0 means `DEFAULT_THREADS`;
        `donors` are the models of the checkpoints that clamps graft from; `programs` are those of
        another trainer, compiled already."""
        check_cohort(configs)
        torch.set_num_threads(threads or DEFAULT_THREADS)
        self.configs, self.datasets, self.should_stop = configs, datasets, should_stop
        self.stopped = False
        self.shape = cohort_shape(configs[0], datasets[0])
        self._sequences = TrainingSequences(configs, datasets)
        self._train, self._rest, self._drawn = evaluation_batches(configs, datasets)
        data = [compile_program(config, donors) for config in configs]
        if any(one.layout != data[0].layout for one in data):
            raise ValueError("runs of one cohort must have the same clamped points")
        self.layout, self._program = data[0].layout, stack_programs(data)
        self._adam = adam_settings(configs)
        self.programs = programs or Programs.of(self.shape, self.layout, compile=compile)
        self._step, self._evaluate = self.programs.step, self.programs.evaluate
        self._restore(resume, initial)
        self.batch_loss = torch.zeros(len(configs))  # of the last update, per run

    def _restore(
        self,
        resume: Sequence[TrainerState | None] | None,
        initial: Sequence[dict[str, Tensor]] | None,
    ) -> None:
        states = [state for state in resume or () if state is not None]
        self._fork = self._update_at(states[0].sequences) if states and states[0].is_fork else None
        self.resumed = bool(states) and self._fork is None
        self._optimiser_from = [self._update_at(s.optimiser_from) for s in states]
        if states:
            self._update = self._update_at(states[0].sequences)
            self._elapsed = max(state.elapsed_seconds for state in states)
            self._state = TrainingState(
                *(torch.stack([s.tensors[name] for s in states]) for name in TrainingState._fields)
            )
            return
        named = initial or [initial_parameters(self.shape, c.seeds.initial) for c in self.configs]
        flat = torch.stack([self.shape.flatten(weights) for weights in named])
        self._update, self._elapsed = 0, 0.0
        self._optimiser_from = [0] * len(self.configs)
        self._state = TrainingState(flat, torch.zeros_like(flat), torch.zeros_like(flat))

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
        """`CPU, 2 threads, compiled`."""
        threads = torch.get_num_threads()
        plural = "" if threads == 1 else "s"
        how = "compiled" if self._step.is_compiled else "not compiled"
        return f"CPU, {threads} thread{plural}, {how}"

    def probe(self, run: int) -> list[ProbeSequence]:
        """The sequences whose patterns the frames of a run show."""
        return probe_sequences(self._drawn[run][Evaluator.TRAIN], self.datasets[run])

    def state(self, run: int) -> TrainerState:
        """A copy of what is needed to go on from here."""
        tensors = {name: part[run].clone() for name, part in self._state._asdict().items()}
        begun = self._optimiser_from[run] * self.configs[run].training.batch_size
        return TrainerState(self.sequences, self._elapsed, tensors, begun)

    @torch.no_grad()
    def warm_up(self) -> None:
        """Compiles both functions without changing anything: they are pure."""
        batch = self._sequences.batch(self._update)
        self._step.warm_up(
            self._state,
            self._adam,
            correction(self.configs, 0),
            self._program,
            batch,
            self._sequence_numbers(),
        )
        self._evaluate.warm_up(*self._evaluated())

    @torch.no_grad()
    def reports(self) -> Iterator[tuple[Report, ...]]:
        """Trains, and yields one report per run wherever a measurement is due.

        A resumed training starts with the report after the one it was saved at, a fork with one at
        the fork. `should_stop` is asked before every update; what was due by then has been
        reported.
        """
        clock = time.perf_counter() - self._elapsed
        start, updates = self._update, self.configs[0].training.updates
        for self._update in range(start, updates + 1):
            if self._is_due("evaluate_every") and not (self.resumed and self._update == start):
                self._elapsed = time.perf_counter() - clock
                yield self._report()
            if self._update == updates:
                return
            if self.should_stop():
                self._elapsed, self.stopped = time.perf_counter() - clock, True
                return
            self._train_batch()

    @torch.no_grad()
    def train(self, updates: int) -> None:
        """Some updates without a report, for measuring how fast they are."""
        for _ in range(updates):
            self._train_batch()
            self._update += 1

    def _train_batch(self) -> None:
        self._state, self.batch_loss = self._step(
            self._state,
            self._adam,
            correction(self.configs, self._update, self._optimiser_from),
            self._program,
            self._sequences.batch(self._update),
            self._sequence_numbers(),
        )

    def _is_due(self, interval: str) -> bool:
        return self._update == self._fork or is_due(self.configs[0], self._update, interval)

    def _sequence_numbers(self) -> Tensor:
        """Which training sequences the next batch holds, [B]: windows open in mid-batch too."""
        return torch.arange(self.configs[0].training.batch_size) + self.sequences

    def _evaluated(self) -> tuple[Tensor, Tensors, Batch, Batch, Tensor]:
        """What a report is made of. Its lights are those of the next training sequence."""
        clock = torch.tensor([self.sequences])
        return self._state.parameters, self._program, self._train, self._rest, clock

    def _report(self) -> tuple[Report, ...]:
        seen = self._evaluate(*self._evaluated())
        return tuple(self._report_of(run, seen) for run in range(len(self.configs)))

    def _report_of(self, run: int, seen: Observation) -> Report:
        metrics = dict(zip((m.value for m in METRICS), seen.metrics[run].T.tolist(), strict=True))
        measurement = Measurement(
            sequences=self.sequences,
            elapsed_seconds=self._elapsed,
            induction_strength=seen.induction[run].tolist(),
            previous_token_strength=seen.previous_token[run].tolist(),
            **metrics,
        )
        frame = self._is_due("frame_every")
        return Report(
            measurement,
            seen.patterns[run].permute(0, 1, 4, 2, 3).contiguous().numpy() if frame else None,
            self.weights(run) if self._is_due("checkpoint_every") else None,
            run,
        )

    def weights(self, run: int) -> dict[str, Tensor]:
        """A copy of the weights by name."""
        return self.shape.unflatten(self._state.parameters[run].clone())


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
    """Raises ValueError if configs cannot be trained in one program."""
    for first, second in pairwise(configs):
        for what, of in _SHARED.items():
            if of(first) != of(second):
                raise ValueError(f"runs of one cohort must have the same {what}")


_SHARED: dict[str, Callable[[RunConfig], object]] = {
    "model": lambda config: config.model,
    "labels": lambda config: config.task.labels,
    "context": lambda config: (config.task.context_pairs, config.task.burstiness),
    "input noise": lambda config: config.task.input_noise > 0,
    "batch size": lambda config: config.training.batch_size,
    "sequences": lambda config: config.training.sequences,
    "recording": lambda config: config.recording,
}


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
