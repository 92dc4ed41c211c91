"""What an analysis will do: its checkpoints, its cells, and the parts it is done in."""

import hashlib
import json
from dataclasses import dataclass
from itertools import groupby

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import Session

from app.db import series
from app.db.models import Checkpoint, Run
from app.errors import Invalid
from app.schemas.analyses.cell import LOOKS_BACK, AnalysisCell, CellError, Ranks
from app.schemas.analyses.cells import cells_of
from app.schemas.analyses.kinds import AblationGrid, AnalysisRequest, Evenly
from app.schemas.config import RunConfig, dimensions_of
from app.schemas.words import grouped

VERSION = 1  # of the numbers: with another one nothing that was found before answers
CELLS_AT_ONCE = 16  # of a part, where their mistakes are not compared
COMPARED = ("only", "programs", "matched")  # groups whose mistakes are
MOST_PARTS = 20_000
SECONDS_A_CELL = 0.5  # on one core, of the paper's task


class PlannedCheckpoint(BaseModel):
    """A checkpoint as it was when the analysis was launched."""

    model_config = ConfigDict(frozen=True)

    sequences: int
    sha256: str


class AnalysisPlan(BaseModel):
    """What the answer depends on besides the run's config: nothing yet while its run is awaited.
    `order`, `previous`: heads by what they do, see `schemas.analyses.cell.Ranks`."""

    model_config = ConfigDict(frozen=True)

    checkpoints: tuple[PlannedCheckpoint, ...] = ()
    order: tuple[int, ...] = ()
    previous: tuple[int, ...] = ()

    @property
    def ranks(self) -> Ranks:
        return Ranks(self.order, self.previous)


@dataclass(frozen=True)
class PlannedPart:
    """What is looked at and written down at once."""

    checkpoint: PlannedCheckpoint
    cells: tuple[AnalysisCell, ...]


def make_plan(session: Session, run: Run, request: AnalysisRequest) -> AnalysisPlan:
    """Raises `Invalid` for what this run cannot answer."""
    plan = AnalysisPlan(
        checkpoints=_chosen(session, run, request),
        order=_by_strength(session, run, request),
        previous=_looking_back(session, run),
    )
    _check(run, request, plan)
    return plan


def check_before_training(run: Run, request: AnalysisRequest) -> None:
    """Raises `Invalid` for what the run will not be able to answer, whatever it learns."""
    every = tuple(range(RunConfig.model_validate(run.config).model.heads))
    _check(run, request, AnalysisPlan(order=every, previous=every[:1]))


def _check(run: Run, request: AnalysisRequest, plan: AnalysisPlan) -> None:
    try:
        cells = _cells(request, plan, RunConfig.model_validate(run.config))
    except CellError as error:
        raise Invalid(str(error), loc=error.loc) from None
    count = len(plan.checkpoints) * len(_together(cells))
    if count > MOST_PARTS:
        raise Invalid(f"That is {grouped(count)} parts of work; {grouped(MOST_PARTS)} can be.")


def seconds_of(config: RunConfig, request: AnalysisRequest) -> float:
    """About how long one core takes to answer, before anything is trained."""
    every = tuple(range(config.model.heads))
    cells = len(_cells(request, AnalysisPlan(order=every, previous=every[:1]), config))
    saved = config.training.total_sequences // config.recording.checkpoint_every + 2
    wanted = request.checkpoints
    count = 1 if wanted == "last" else saved
    if isinstance(wanted, Evenly):
        count = min(saved, wanted.evenly)
    return SECONDS_A_CELL * cells * (len(wanted) if isinstance(wanted, tuple) else count)


def parts_of(request: AnalysisRequest, plan: AnalysisPlan, config: RunConfig) -> list[PlannedPart]:
    """By checkpoint, and within each by groups of cells. Raises `CellError`."""
    cells = _cells(request, plan, config)
    return [PlannedPart(one, tuple(some)) for one in plan.checkpoints for some in _together(cells)]


def _cells(request: AnalysisRequest, plan: AnalysisPlan, config: RunConfig) -> list[AnalysisCell]:
    dimensions = dimensions_of(config.model, config.task, config.training)
    return cells_of(request, dimensions, plan.ranks)


def _together(cells: list[AnalysisCell]) -> list[list[AnalysisCell]]:
    """Those whose mistakes are compared by themselves; of a wiring its groups, too, since the first
    of them comes with composition scores."""
    found = []
    for group, members in groupby(cells, key=_part):
        own = list(members)
        size = len(own) if group in COMPARED else CELLS_AT_ONCE
        found += [own[start : start + size] for start in range(0, len(own), size)]
    return found


def _part(cell: AnalysisCell) -> str:
    """What is looked at together shares what no program touches."""
    return cell.group if cell.group in COMPARED or cell.other is not None else "others"


def cache_key(run: Run, request: AnalysisRequest, plan: AnalysisPlan) -> str:
    """Equal for questions about a run that have the same answer; with a plan that waits for the
    training, for equal questions."""
    if not plan.checkpoints:
        waiting = ["waits", VERSION, run.id, request.model_dump(mode="json")]
        return hashlib.sha256(json.dumps(waiting, sort_keys=True).encode()).hexdigest()
    asked = request.model_dump(mode="json", exclude={"checkpoints", "after_training"})
    depends = [VERSION, run.config_hash, run.data_sha256, asked, plan.model_dump(mode="json")]
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def _chosen(session: Session, run: Run, request: AnalysisRequest) -> tuple[PlannedCheckpoint, ...]:
    there = list(series.checkpoints_of(session, run.id))
    if not there:
        raise Invalid(f"Run {run.id} has no checkpoints to look at.", loc="/run")
    return tuple(
        PlannedCheckpoint(sequences=one.sequences, sha256=one.sha256)
        for one in _among(there, request)
    )


def _among(there: list[Checkpoint], request: AnalysisRequest) -> list[Checkpoint]:
    wanted = request.checkpoints
    if wanted == "last":
        return there[-1:]
    if wanted == "all":
        return there
    if isinstance(wanted, Evenly):
        return _evenly(there, wanted.evenly)
    by_place = {one.sequences: one for one in there}
    if missing := sorted(set(wanted) - by_place.keys()):
        nearest = min(by_place, key=lambda place: abs(place - missing[0]))
        raise Invalid(
            f"There is no checkpoint at {grouped(missing[0])} sequences; the nearest is at "
            f"{grouped(nearest)}.",
            loc="/checkpoints",
        )
    return [by_place[place] for place in sorted(set(wanted))]


def _evenly(there: list[Checkpoint], count: int) -> list[Checkpoint]:
    """Those nearest to even places over the training, each once."""
    last = there[-1].sequences
    places = [last * number / max(count - 1, 1) for number in range(count)] if count > 1 else [last]
    chosen = {min(there, key=lambda one: abs(one.sequences - place)).sequences for place in places}
    return [one for one in there if one.sequences in chosen]


def _by_strength(session: Session, run: Run, request: AnalysisRequest) -> tuple[int, ...]:
    """Heads of the layer that is ablated, the strongest at the last measurement first."""
    found = series.last_strengths(session, [run.id], "induction_strength").get(run.id)
    layer = request.layer if isinstance(request, AblationGrid) else None
    if found is None or (layer is not None and layer >= len(found)):
        return ()
    strengths = found[-1 if layer is None else layer]
    return tuple(sorted(range(len(strengths)), key=lambda head: -strengths[head]))


def _looking_back(session: Session, run: Run) -> tuple[int, ...]:
    """Previous-token heads of the first layer as last measured, the strongest first; the strongest
    one alone where none is clearly one."""
    found = series.last_strengths(session, [run.id], "previous_token_strength").get(run.id)
    if found is None:
        return ()
    order = sorted(range(len(found[0])), key=lambda head: -found[0][head])
    return tuple(head for head in order if found[0][head] >= LOOKS_BACK) or tuple(order[:1])
