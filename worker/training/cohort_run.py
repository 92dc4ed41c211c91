"""One run of a cohort, read from its row and the store, ready to be trained."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import log
from time import monotonic

from sqlalchemy import Engine

from app.db import recording
from app.db.engine import session_scope
from app.schemas.config import RunConfig, TaskConfig
from app.services.runs.lifecycle import run_or_error
from worker.recording.store import Store
from worker.retry import retry_while_away
from worker.science.clamps.program import Donor
from worker.science.data.datasets import Dataset, load_dataset
from worker.science.phase_change import PhaseDetector
from worker.science.training.loop import TrainerState, cohort_shape
from worker.training.graft_donors import Found, find_donors, load_donors
from worker.training.start_state import Saved, load_start_state, read_saved


@dataclass
class CohortRun:
    """A run that can be trained."""

    run_id: str
    config: RunConfig
    dataset: Dataset
    state: TrainerState | None  # None: the initial weights
    notices: tuple[str, ...]
    donors: Mapping[str, Donor]
    detector: PhaseDetector
    saved_at: float = field(default_factory=monotonic)  # the last resume point, or the start
    shown_at: datetime | None = None  # when its first report was, before it is recorded
    is_over: bool = False  # its ending was handed over, or it is another's by now


class Datasets:
    """Datasets that were loaded once; runs that draw from the same share it."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[object, ...], Dataset] = {}

    def load(self, task: TaskConfig, seed: int) -> Dataset:
        """As `load_dataset`."""
        key = (task.dataset, task.classes, task.new_classes, task.exemplars, seed)
        # Shared by runs, and so never written to: one dataset is one table for all of them.
        if key not in self._loaded:
            self._loaded[key] = load_dataset(task, seed)
        return self._loaded[key]


def load_cohort_run(engine: Engine, store: Store, run_id: str, datasets: Datasets) -> CohortRun:
    """Everything that a run needs. Raises what `worker.training.faults` knows how to say."""
    # One transaction, and the files after it, without any lock: a donor that is deleted in between
    # is a file that is missing.
    config, saved, found, forked_at = _read(engine, run_id)
    dataset = datasets.load(config.task, config.seeds.dataset)
    state, notices = load_start_state(store, saved, cohort_shape(config, dataset))
    return CohortRun(
        run_id,
        config,
        dataset,
        state,
        notices,
        load_donors(store, config, dataset, found),
        _detector(engine, run_id, config, before=_first_place(state), forked_at=forked_at),
    )


Read = tuple[RunConfig, Saved, dict[str, Found], int | None]  # and where it was forked


def _read(engine: Engine, run_id: str) -> Read:
    def read() -> Read:
        with session_scope(engine) as session:
            run = run_or_error(session, run_id)
            config = RunConfig.model_validate(run.config)
            return config, read_saved(session, run), find_donors(session, config), run.forked_at

    return retry_while_away(read)


def _first_place(state: TrainerState | None) -> int:
    """Where the first measurement may lie: a resumed run has measured where it starts."""
    if state is None:
        return 0
    return state.sequences if state.is_fork else state.sequences + 1


def _detector(
    engine: Engine, run_id: str, config: RunConfig, *, before: int, forked_at: int | None
) -> PhaseDetector:
    """A detector that has seen what earlier attempts, or its parent, measured below that."""

    def read() -> Iterable[tuple[int, float]]:
        with session_scope(engine) as session:
            return recording.train_losses(session, run_id, before=before)

    detector = PhaseDetector(log(config.task.context_labels))
    # Read again as a whole after an outage, and only then taken in: a detector that saw a part
    # twice would count it twice.
    shared = forked_at or 0  # below, the history is its parent's
    losses = list(retry_while_away(read))
    for sequences, loss in losses:
        if sequences < shared:
            detector.add(sequences, loss)
    if forked_at is not None:
        detector.fork()
    for sequences, loss in losses:
        if sequences >= shared:
            detector.add(sequences, loss)
    return detector
