"""A run's row as the API, pages and streams say it."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.db import lineage
from app.db.models import Run
from app.schemas.api.lineage import ForkRead, Lineage, ParentRead
from app.schemas.api.runs import RunRead
from app.schemas.api.series import NonFinite
from app.schemas.clamps.describe import describe
from app.schemas.config import RunConfig
from app.schemas.measure import PhaseBrackets, PhaseChange
from app.schemas.state import TERMINAL, Optimiser, RunState
from app.services.colours import colour_of
from app.services.series.brackets import phase_brackets
from app.services.series.measurements import finite, nonfinite

_COLUMNS = [name for name in RunRead.model_fields if name in Run.__table__.columns]


def read_whole_run(session: Session, run: Run) -> RunRead:
    """The run with its forks and what brackets its phase change, which take statements more."""
    between = phase_brackets(session, run.id)
    return read_run(run, forks=lineage.forks_of(session, run.id), between=between)


def read_run(
    run: Run,
    now: datetime | None = None,
    forks: Sequence[Run] | None = None,
    between: PhaseBrackets | None = None,
) -> RunRead:
    """The run at a moment (default: this one)."""
    config = RunConfig.model_validate(run.config)
    state = RunState(run.state)
    labels = config.task.context_labels
    values = {
        "state": state,
        "is_terminal": state in TERMINAL,
        "description": describe_config(config),
        "dataset": config.task.dataset,
        "layers": config.model.layers,
        "heads": config.model.heads,
        "labels_in_context": labels,
        "chance_loss": math.log(labels),
        "colour": colour_of(run.id, run.colour),
        "lineage": Lineage(parent=_parent(run), forks=None if forks is None else _forks(forks)),
        "progress": min(1.0, run.sequences / run.total_sequences),
        "sequences_per_second": finite(run.sequences_per_second),
        "seconds_left": seconds_left(run),
        "train_loss": finite(run.train_loss),
        "nonfinite": _nonfinite(run),
        "phase_change": phase_change_of(run),
        "phase_change_is_clamped": is_clamped_at(config, run.midpoint),
        "phase_change_between": between,
        **_durations(run, now or datetime.now(UTC)),
    }
    return RunRead.model_validate({name: getattr(run, name) for name in _COLUMNS} | values)


def _parent(run: Run) -> ParentRead | None:
    if run.forked_at is None:
        return None
    return ParentRead(
        id=run.parent_id,
        name=run.parent_name or "",
        sequences=run.forked_at,
        optimiser=Optimiser(run.fork_optimiser or Optimiser.KEEP),
    )


def _forks(forks: Sequence[Run]) -> list[ForkRead]:
    return [
        ForkRead(
            id=fork.id,
            name=fork.name,
            sequences=fork.forked_at or 0,
            optimiser=Optimiser(fork.fork_optimiser or Optimiser.KEEP),
            state=RunState(fork.state),
        )
        for fork in forks
    ]


def describe_config(config: RunConfig) -> list[str]:
    """What is clamped, in sentences."""
    return list(describe(config.program, layers=config.model.layers, heads=config.model.heads))


def phase_change_of(run: Run) -> PhaseChange:
    """Where the plateau ends and the drop happens, as far as it was seen."""
    return PhaseChange.model_validate(
        {name: getattr(run, name) for name in PhaseChange.model_fields}
    )


def is_clamped_at(config: RunConfig, place: float | None) -> bool:
    """Whether any light is on at a place of the training."""
    return place is not None and any(clamp.is_on(int(place)) for clamp in config.program)


def seconds_left(run: Run) -> float | None:
    """Until the last sequence at the present rate; None unless the run is training."""
    rate = finite(run.sequences_per_second)
    if run.state != RunState.RUNNING or not rate:
        return None
    return max(0, run.total_sequences - run.sequences) / rate


def _durations(run: Run, now: datetime) -> dict[str, float | None]:
    return {
        "age_seconds": _between(run.created_at, now),
        "run_seconds": _between(run.started_at, run.finished_at or now),
    }


def _between(start: datetime | None, end: datetime) -> float | None:
    """Seconds, at least 0: the clocks of database and web server may differ a little."""
    return None if start is None else max(0.0, (end - start).total_seconds())


def _nonfinite(run: Run) -> dict[str, NonFinite]:
    kinds = {name: nonfinite(getattr(run, name)) for name in ("train_loss", "sequences_per_second")}
    return {name: kind for name, kind in kinds.items() if kind}
