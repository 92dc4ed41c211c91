"""A cohort: runs that one process trains, by one compiled program.

On a graphics processor runs of the same start, length and schedule are stacked: one update moves
all of them. On a CPU stacking gains nothing: an update of two, four or eight stacked runs costs as
much per run as one by itself, since a single run's batch fills the vector units already and its
parameters fit the cache (docs/adr/0012). There each run is a stack of its own. Stacks take turns
from report to report; on a CPU a run's numbers are so, bit for bit, those it has alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from app.schemas.config import RunConfig
from app.schemas.measure import ProbeSequence
from worker.science.clamps.program import NO_DONORS, Donors
from worker.science.data.datasets import Dataset
from worker.science.machine.devices import CPU
from worker.science.parameters import Shape
from worker.science.training.loop import (
    Programs,
    Report,
    Trainer,
    TrainerState,
    check_cohort,
    never,
    unheard,
)

States = Sequence[TrainerState | None]
Stack = tuple[int, ...]  # runs that are trained as one, by their place among the configs


class Cohort:
    """Trains runs of equal shape and program layout; the stack that is furthest behind goes
    next."""

    def __init__(
        self,
        configs: Sequence[RunConfig],
        datasets: Sequence[Dataset],
        *,
        resume: States | None = None,
        compile: bool = True,
        threads: int = 0,
        should_stop: Callable[[], bool] = never,
        donors: Donors = NO_DONORS,
        device: torch.device = CPU,
        stacked: bool | None = None,
    ) -> None:
        """As for `Trainer`; runs may start at different places. `stacked`: whether runs of the
        same start and schedule are stacked, by default on a graphics processor."""
        check_cohort(configs)
        self._ask, self._left = should_stop, set[int]()
        states = resume or [None] * len(configs)
        is_stacked = device.type == "cuda" if stacked is None else stacked
        alone = [(run,) for run in range(len(configs))]
        self.stacks = _stacks(configs, states) if is_stacked else alone
        self.trainers: list[Trainer] = []
        programs: Programs | None = None
        for stack in self.stacks:
            trainer = Trainer(
                [configs[run] for run in stack],
                [datasets[run] for run in stack],
                resume=[states[run] for run in stack],
                compile=compile,
                threads=threads,
                should_stop=partial(self._should_stop, stack),
                donors=donors,
                programs=programs,
                device=device,
            )
            if self.trainers and trainer.layout != self.trainers[0].layout:
                raise ValueError("runs of one cohort must have the same clamped points")
            # The first stack's serve all: functions without a state of their own, so that stacks
            # may take turns in them.
            programs = trainer.programs
            self.trainers.append(trainer)
        self._places = {
            run: (trainer, place)
            for trainer, stack in zip(self.trainers, self.stacks, strict=True)
            for place, run in enumerate(stack)
        }

    @property
    def shape(self) -> Shape:
        """The shape that all runs share."""
        return self.trainers[0].shape

    @property
    def device(self) -> str:
        """`CPU, 1 thread, compiled`."""
        return self.trainers[0].device

    @property
    def notices(self) -> tuple[str, ...]:
        """What a user should know about how this trains; complete after `warm_up`."""
        return self.trainers[0].notices

    @property
    def stopped(self) -> bool:
        """Whether `should_stop` ended the training of some run."""
        return any(trainer.stopped for trainer in self.trainers)

    def warm_up(self, told: Callable[[str], None] = unheard) -> None:
        """Compiles, once for all stacks of the same sizes; `told` hears what."""
        # Before the first update of any stack: a compilation in the middle would stop all for
        # seconds, in which their runs report nothing.
        for trainer in {trainer.sizes: trainer for trainer in reversed(self.trainers)}.values():
            trainer.warm_up(told)

    def first_reports(self) -> Iterator[tuple[Report, ...]]:
        """The reports at the start of those that begin at once, which `reports` yields again."""
        for stack, trainer in zip(self.stacks, self.trainers, strict=True):
            if trainer.begins_at_once:
                made = trainer.first_report()
                yield tuple(replace(report, run=stack[report.run]) for report in made)

    def reports(self) -> Iterator[tuple[Report, ...]]:
        """Yields reports as they are due; `Report.run` says whose each is.

        The stacks advance evenly: the one whose last report is furthest behind trains to its next.
        A run that has left reports no more; a stack that all have left makes no more updates.
        """
        going = {place: trainer.reports() for place, trainer in enumerate(self.trainers)}
        reached = dict.fromkeys(going, -1)  # where each reported last
        # Asked anew each round: runs leave between two reports, by the caller's hand, or within an
        # update, by who answers `should_stop`.
        while going := {n: one for n, one in going.items() if not self._is_empty(self.stacks[n])}:
            place = min(going, key=reached.__getitem__)
            # Trains this stack up to its next report while the others stand still: a run of theirs
            # that is asked to leave meanwhile is let go where it stands.
            reports = next(going[place], None)
            if reports is None:
                del going[place]
                continue
            stack, reached[place] = self.stacks[place], self.trainers[place].sequences
            own = [replace(report, run=stack[report.run]) for report in reports]
            # A run that left during these updates is still trained along in its stack, as shapes
            # cannot change; what it would report is nobody's.
            yield tuple(report for report in own if report.run not in self._left)

    def leave(self, run: int) -> None:
        """Takes a run out before its next update; the others go on undisturbed."""
        # Only noted: its stack goes on with all of its rows.
        self._left.add(run)

    def _is_empty(self, stack: Stack) -> bool:
        return self._left.issuperset(stack)

    def _should_stop(self, stack: Stack) -> bool:
        """Asked every few updates of a stack; who answers may take runs out."""
        # In this order: the answer may be that the last run of the stack has just left.
        return self._ask() or self._is_empty(stack)

    def sequences_of(self, run: int) -> int:
        """Sequences that a run has seen so far."""
        return self._places[run][0].sequences

    def is_resumed(self, run: int) -> bool:
        """Whether a run goes on from a place that it has reported at already."""
        return self._places[run][0].resumed

    def probe(self, run: int) -> list[ProbeSequence]:
        """The sequences whose patterns the frames of a run show."""
        trainer, place = self._places[run]
        return trainer.probe(place)

    def state(self, run: int) -> TrainerState:
        """A copy of what a run needs to go on from where it is."""
        trainer, place = self._places[run]
        return trainer.state(place)

    def weights(self, run: int) -> dict[str, Tensor]:
        """A copy of a run's weights by name."""
        trainer, place = self._places[run]
        return trainer.weights(place)


def _stacks(configs: Sequence[RunConfig], states: States) -> list[Stack]:
    """The runs that start at the same place and report at the same places, together."""
    found: dict[object, list[int]] = {}
    for run, (config, state) in enumerate(zip(configs, states, strict=True)):
        start = None if state is None else (state.sequences, state.is_fork)
        schedule = config.training.sequences, config.recording.model_dump_json()
        found.setdefault((start, schedule), []).append(run)
    return [tuple(runs) for runs in found.values()]
