"""One turn at an analysis: what it needs is loaded, then part after part is looked at and kept."""

import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.config import Settings
from app.db import analyses, recording, workers
from app.db.recording import StoredFile
from app.schemas.analyses.cell import AnalysisCell, composed
from app.schemas.analyses.kinds import REQUEST, AnalysisRequest, Exhaustive, Wiring
from app.schemas.config import RunConfig
from app.schemas.words import grouped
from app.services.analyses import attempts
from app.services.analyses.attempts import Turn
from app.services.analyses.lifecycle import analysis_or_error
from app.services.analyses.plan import AnalysisPlan, PlannedPart, parts_of
from app.services.runs.data_files import changed_since
from app.services.runs.lifecycle import run_or_error
from app.services.runs.outbox import Outbox, transaction
from worker.analysis.findings import findings
from worker.recording.store import DamagedFileError, Store, weights_of
from worker.retry import retry_while_away
from worker.science.analysis.composition import weights_composition
from worker.science.analysis.evaluation import Looks, Manner, Subject, measured
from worker.science.clamps.program import Donor, ProgramData, compile_program
from worker.science.data.datasets import Dataset, load_dataset
from worker.science.data.exhaustive import SequenceSet, sequences_of
from worker.science.data.files.declared import DataFileError
from worker.science.data.splits import training_pool
from worker.science.machine.devices import choose_device
from worker.science.parameters import Shape
from worker.science.training.loop import cohort_shape
from worker.training.graft_donors import Found, find_donors, load_donors

WORTH_COMPILING = 32  # cells of an analysis, from which it takes less time compiled
T = TypeVar("T")


@dataclass(frozen=True)
class AnalysisTask:
    """What the rows say. `found`: the checkpoints that programs graft from."""

    request: AnalysisRequest
    config: RunConfig
    run_id: str
    worker: str  # whose turn it is
    parts: Sequence[PlannedPart]
    done: set[int]
    found: dict[str, Found]
    changed: str  # since the run began, of its data file

    def program_of(self, cell: AnalysisCell) -> RunConfig:
        """The run's config with the cell's clamps, and its own beside them unless these are off."""
        own = self.config.program if self.request.under_clamps else ()
        return self.config.model_copy(update={"program": composed(own, cell.program)})


@dataclass(frozen=True)
class AnalysisInputs:
    """What every part needs."""

    dataset: Dataset
    sequences: SequenceSet
    shape: Shape
    donors: dict[str, Donor]
    looks: Looks


@dataclass(frozen=True)
class AnalysisSession:
    """A turn. `should_stop`: the worker wants to shut down."""

    settings: Settings
    engine: Engine
    outbox: Outbox
    turn: Turn
    should_stop: threading.Event

    def run(self) -> None:
        """Looks at all parts that are not there yet. Raises what `worker.training.faults` says."""
        asked = self._commit(self._read)
        loaded = self._load(asked)
        if not self._commit(partial(attempts.begin, turn=self.turn)):
            return
        for place, part in enumerate(asked.parts):
            if place in asked.done:
                continue
            if self.should_stop.is_set():
                self._commit(partial(attempts.give_back, turn=self.turn))
                return
            found = self._look(asked, loaded, part)
            keep = partial(attempts.keep, turn=self.turn, place=place, found=found)
            if not self._commit(keep):
                return
        self._commit(partial(attempts.finish, turn=self.turn))

    def _commit(self, act: Callable[[Session], T]) -> T:
        """One transaction, tried again while Postgres is away."""

        def once() -> T:
            with transaction(self.engine, self.outbox) as session:
                return act(session)

        return retry_while_away(once, is_stopping=self.should_stop.is_set)

    def _read(self, session: Session) -> AnalysisTask:
        analysis = analysis_or_error(session, self.turn.analysis_id)
        run = run_or_error(session, analysis.run_id)
        config = RunConfig.model_validate(run.config)
        request = REQUEST.validate_python(analysis.request)
        parts = parts_of(request, AnalysisPlan.model_validate(analysis.plan), config)
        done = analyses.places_done(session, analysis.id)
        found = find_donors(session, _grafting(config, parts))
        return AnalysisTask(
            request,
            config,
            run.id,
            analysis.worker or "",
            parts,
            done,
            found,
            changed_since(run),
        )

    def _load(self, asked: AnalysisTask) -> AnalysisInputs:
        if asked.changed:
            raise DataFileError(asked.changed)
        config = asked.config
        dataset = load_dataset(config.task, config.seeds.dataset)
        store = Store(self.settings.checkpoint_url, asked.run_id)
        donors = load_donors(store, _grafting(config, asked.parts), dataset, asked.found)
        sequences = sequences_of(config, training_pool(config))
        shape = cohort_shape(config, dataset)
        return AnalysisInputs(dataset, sequences, shape, donors, Looks(shape))

    def _look(
        self, asked: AnalysisTask, loaded: AnalysisInputs, part: PlannedPart
    ) -> dict[str, Any]:
        weights = self._weights(asked, part)
        pool, flat = training_pool(asked.config), loaded.shape.flatten(weights)[None]
        subject = Subject.of(loaded.shape, flat, loaded.dataset, pool, loaded.sequences)
        in_detail = isinstance(asked.request, Exhaustive)
        programs = [_compiled(asked, loaded, cell) for cell in part.cells]
        manner = self._manner(asked, part, whole=in_detail)
        found_by = measured(subject, programs, manner, looks=loaded.looks)
        each = sorted(found_by, key=lambda one: one.program)
        found = findings(part, each, loaded.sequences, in_detail=in_detail)
        if isinstance(asked.request, Wiring) and part.cells[0].group == "base":
            found["composition"] = [_composition(asked.request, loaded.shape, weights, part)]
        return found

    def _weights(self, asked: AnalysisTask, part: PlannedPart) -> dict[str, torch.Tensor]:
        place, sha256 = part.checkpoint.sequences, part.checkpoint.sha256
        file = self._commit(lambda session: recording.checkpoint(session, asked.run_id, place))
        if file is None or file.sha256 != sha256:
            became = "was deleted" if file is None else "is another"
            raise DamagedFileError(
                f"The checkpoint of run {asked.run_id} at {grouped(place)} sequences {became} "
                "since the analysis was launched; launch it again."
            )
        return _read_weights(Store(self.settings.checkpoint_url, asked.run_id), file)

    def _manner(self, asked: AnalysisTask, part: PlannedPart, *, whole: bool) -> Manner:
        cells = sum(len(one.cells) for one in asked.parts)
        return Manner(
            # The light of clamps with a window is as at this place of the training, or as it ended.
            at=min(part.checkpoint.sequences, asked.config.training.total_sequences - 1),
            whole=whole,
            compile=self.settings.compile and cells >= WORTH_COMPILING,
            threads=self.settings.threads or self._share_of_cores(asked.worker),
            device=choose_device(self.settings.device),
        )

    def _share_of_cores(self, worker: str) -> int:
        """Threads that wait for each other take several times as long where a trainer has one of
        their cores. Looked at before every part: trainers come and go."""
        busy = self._commit(partial(workers.busy_beside, name=worker))
        return max(1, _cores() // (1 + busy))


def _grafting(config: RunConfig, parts: Sequence[PlannedPart]) -> RunConfig:
    """A config that names every checkpoint that some cell grafts from."""
    first = [
        cell for part in parts if part.checkpoint == parts[0].checkpoint for cell in part.cells
    ]
    clamps = dict.fromkeys(clamp for cell in first for clamp in cell.program)
    return config.model_copy(update={"program": (*config.program, *clamps)})


def _compiled(asked: AnalysisTask, loaded: AnalysisInputs, cell: AnalysisCell) -> ProgramData:
    return compile_program(asked.program_of(cell), loaded.donors)


def _read_weights(store: Store, file: StoredFile) -> dict[str, torch.Tensor]:
    arrays, _ = store.load(file)
    return {name: torch.from_numpy(array) for name, array in weights_of(arrays).items()}


def _composition(
    request: Wiring, shape: Shape, weights: dict[str, torch.Tensor], part: PlannedPart
) -> dict[str, Any]:
    scores = weights_composition(shape, weights, earlier=request.earlier, later=request.later)
    named = {name: matrix.tolist() for name, matrix in scores._asdict().items()}
    return {"checkpoint": part.checkpoint.sequences, **named}


def _cores() -> int:
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    return len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
