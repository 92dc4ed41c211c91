"""A cohort: runs that one process trains in turns, by one compiled program.

On a CPU, stacking runs into larger tensors gains nothing: an update of two, four or eight stacked
runs costs as much per run as one by itself, since a single run's batch fills the vector units
already and its parameters fit the cache (docs/adr/0012). So each run keeps tensors of its own and
the runs take turns from report to report. They share what costs: the process, the dataset, and
half a minute of compiling. A run's numbers are, bit for bit, those it has alone.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from torch import Tensor

from app.schemas.config import RunConfig
from app.schemas.measure import ProbeSequence
from worker.science.datasets import Dataset
from worker.science.loop import Programs, Report, Trainer, TrainerState, check_cohort, never
from worker.science.parameters import Shape
from worker.science.program import NO_DONORS, Donors


class Cohort:
    """Trains runs of equal shape and program layout; the run that is furthest behind goes next."""

    def __init__(
        self,
        configs: Sequence[RunConfig],
        datasets: Sequence[Dataset],
        *,
        resume: Sequence[TrainerState | None] | None = None,
        compile: bool = True,
        threads: int = 0,
        should_stop: Callable[[], bool] = never,
        donors: Donors = NO_DONORS,
    ) -> None:
        """As for `Trainer`; runs may start at different places."""
        check_cohort(configs)
        self.trainers: list[Trainer] = []
        self._left: set[int] = set()
        self._ask = should_stop
        programs: Programs | None = None
        states = resume or [None] * len(configs)
        for run, (config, dataset, state) in enumerate(zip(configs, datasets, states, strict=True)):
            trainer = Trainer(
                [config],
                [dataset],
                resume=[state],
                compile=compile,
                threads=threads,
                should_stop=partial(self._should_stop, run),
                donors=donors,
                programs=programs,
            )
            if self.trainers and trainer.layout != self.trainers[0].layout:
                raise ValueError("runs of one cohort must have the same clamped points")
            programs = trainer.programs
            self.trainers.append(trainer)

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

    def warm_up(self) -> None:
        """Compiles, once for all runs."""
        self.trainers[0].warm_up()

    def reports(self) -> Iterator[tuple[Report, ...]]:
        """Yields reports as they are due; `Report.run` says whose each is.

        The runs advance evenly: the one whose last report is furthest behind trains to its next.
        A run that has left makes no more updates.
        """
        going = {run: trainer.reports() for run, trainer in enumerate(self.trainers)}
        reached = dict.fromkeys(going, -1)  # where each reported last
        while going := {run: one for run, one in going.items() if run not in self._left}:
            run = min(going, key=reached.__getitem__)
            reports = next(going[run], None)
            if reports is None:
                del going[run]
                continue
            reached[run] = self.sequences_of(run)
            yield tuple(replace(report, run=run) for report in reports)

    def leave(self, run: int) -> None:
        """Takes a run out before its next update; the others go on undisturbed."""
        self._left.add(run)

    def _should_stop(self, run: int) -> bool:
        """Asked before every update of a run; who answers may take runs out."""
        return self._ask() or run in self._left

    def sequences_of(self, run: int) -> int:
        """Sequences that a run has seen so far."""
        return self.trainers[run].sequences

    def is_resumed(self, run: int) -> bool:
        """Whether a run goes on from a place that it has reported at already."""
        return self.trainers[run].resumed

    def probe(self, run: int) -> list[ProbeSequence]:
        """The sequences whose patterns the frames of a run show."""
        return self.trainers[run].probe(0)

    def state(self, run: int) -> TrainerState:
        """A copy of what a run needs to go on from where it is."""
        return self.trainers[run].state(0)

    def weights(self, run: int) -> dict[str, Tensor]:
        """A copy of a run's weights by name."""
        return self.trainers[run].weights(0)
