"""Forks: a new run from a checkpoint of an old one, sharing its history up to there.

The rows below the fork are copied, so that everything that reads a run reads a fork, and the parent
may be deleted; the files of its checkpoints are shared (docs/adr/0010).
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from sqlalchemy.orm import Session

from app.db import access, lineage, series
from app.db.models import Run
from app.errors import Invalid, NotFound
from app.schemas.api.runs import DryRun, ForkRequest
from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, Evaluator
from app.schemas.state import Optimiser
from app.schemas.words import grouped
from app.services.costs.estimates import estimate
from app.services.costs.sizes import check_size
from app.services.naming import default_fork_name
from app.services.runs.creation import enqueue, make_run
from app.services.runs.data_files import check_data_file
from app.services.runs.grafts import check_grafts, donors_of, nearest
from app.services.runs.idempotency import once
from app.services.runs.lifecycle import run_or_error
from app.services.runs.outbox import publish_run
from app.services.runs.run_read import describe_config

_TRAIN = EVALUATORS.index(Evaluator.TRAIN)

# Where each change of a request goes in the config.
_PLACES = {
    "program": ("program",),
    "learning_rate": ("training", "learning_rate"),
    "until_sequences": ("training", "sequences"),
    "data_seed": ("seeds", "data"),
}


@dataclass(frozen=True)
class ForkPlan:
    """A fork that can be made."""

    parent: Run
    sequences: int
    optimiser: Optimiser
    config: RunConfig

    @property
    def config_hash(self) -> str:
        """A fork is another experiment than its config trained from the beginning."""
        parts = (self.config.config_hash, self.parent.config_hash, self.sequences, self.optimiser)
        return hashlib.sha256(" ".join(map(str, parts)).encode()).hexdigest()


def plan(session: Session, parent: Run, request: ForkRequest) -> ForkPlan:
    """The fork that is asked for; `Invalid` at the part of the request that cannot be."""
    _check_checkpoint(session, parent, request)
    config = _config(parent, request)
    if config.training.total_sequences <= request.sequences:
        raise Invalid(
            f"The fork at {grouped(request.sequences)} sequences would have nothing to train: "
            f"training ends at {grouped(config.training.total_sequences)}. "
            "Give `until_sequences` beyond the fork.",
            loc="/until_sequences",
        )
    check_grafts(session, config, at="/program")
    check_data_file(session, config, known=parent.data_sha256, at="")
    check_size(session, config, since=request.sequences, at="/until_sequences", whole=True)
    return ForkPlan(parent, request.sequences, request.optimiser, config)


def dry_run(session: Session, parent: Run, request: ForkRequest) -> DryRun:
    """What a fork would do."""
    planned = plan(session, parent, request)
    return DryRun(
        config=planned.config,
        config_hash=planned.config_hash,
        name=request.name or default_fork_name(parent, request.sequences),
        description=describe_config(planned.config),
        estimate=estimate(session, planned.config, since=planned.sequences),
    )


def fork(session: Session, parent: Run, request: ForkRequest, key: str | None = None) -> Run:
    """A queued fork; with a key that was used before for the same request, that of then."""
    return once(
        session,
        key,
        f"fork {parent.id} {request.model_dump_json()}",
        find=lambda answered: run_or_error(session, answered.run_id or ""),
        create=lambda: _fork(session, parent, request),
    )


def _fork(session: Session, parent: Run, request: ForkRequest) -> Run:
    # Before anything is checked: the checkpoint that is found below must still be there at the
    # commit, and a deletion of the parent now waits until the fork's rows name its files.
    kept = lineage.keep_from_deletion(session, {parent.id, *donors_of(_config(parent, request))})
    if parent.id not in kept:
        raise NotFound(f"There is no run {parent.id!r}.")
    planned = plan(session, parent, request)
    name = request.name or default_fork_name(parent, request.sequences)
    run = make_run(planned.config, name=name, tags=request.tags, notes=request.notes)
    run.config_hash = planned.config_hash
    run.data_sha256 = parent.data_sha256 or run.data_sha256
    run.parent_id, run.parent_name = parent.id, parent.name
    run.forked_at, run.fork_optimiser = planned.sequences, planned.optimiser.value
    _stand_where_the_parent_stood(session, run, planned)
    # The row before its history, which points to it. No worker can have it before the commit, when
    # all of the history is there.
    enqueue(session, run, _said(planned))
    lineage.copy_history(session, parent.id, run.id, at=planned.sequences)
    # In the fork's own row only: the file, and what its parent says of it, stay as they are.
    if planned.optimiser is Optimiser.RESET:
        lineage.drop_optimiser(session, run.id, planned.sequences)
    access.note(session, "forked a run", f"{run.name} ({run.id})")
    # The parent's open pages list its forks; no lock on its row is taken for that.
    publish_run(session, parent.id)
    return run


def _stand_where_the_parent_stood(session: Session, run: Run, planned: ForkPlan) -> None:
    """The numbers of the run's row as the shared history has them."""
    # Of the parent: the fork's own rows are copied after this. They cannot differ, as nothing
    # below a checkpoint changes any more.
    last = lineage.last_before(session, planned.parent.id, before=planned.sequences)
    if last is None:
        return
    # Not its phase change: of that a fork has its own, or none.
    run.sequences, run.train_loss = last.sequences, last.loss[_TRAIN]


def _said(planned: ForkPlan) -> str:
    place = grouped(planned.sequences)
    how = "kept" if planned.optimiser is Optimiser.KEEP else "reset"
    parent = f"{planned.parent.name} ({planned.parent.id})"
    return f"Forked from {parent} at {place} sequences, its optimiser {how}. Waits for a worker."


def _check_checkpoint(session: Session, parent: Run, request: ForkRequest) -> None:
    saved = series.checkpoints_of(session, parent.id)
    found = {one.sequences: one for one in saved}.get(request.sequences)
    place = grouped(request.sequences)
    if found is None:
        raise Invalid(
            f"Run {parent.id} has no checkpoint at {place} sequences; "
            f"{nearest([one.sequences for one in saved], request.sequences)}",
            loc="/sequences",
        )
    if request.optimiser is Optimiser.KEEP and not found.has_optimiser:
        raise Invalid(
            f"The checkpoint at {place} sequences holds no optimiser that could be kept (versions "
            'before forks saved none); ask for "reset".',
            loc="/optimiser",
        )


def _config(parent: Run, request: ForkRequest) -> RunConfig:
    """The parent's config with what the request changes."""
    changes = request.model_dump(mode="json", include=set(_PLACES), exclude_none=True)
    content: dict[str, Any] = {**parent.config}
    for name, value in changes.items():
        part, *option = _PLACES[name]
        content[part] = {**content[part], option[0]: value} if option else value
    try:
        return RunConfig.model_validate(content)
    except ValidationError as error:
        raise _at_its_place(error) from None


def _at_its_place(error: ValidationError) -> Invalid:
    """The first thing that is wrong, where it is in the request."""
    first = error.errors(include_url=False)[0]
    where = tuple(map(str, first["loc"]))
    for name, place in _PLACES.items():
        if where[: len(place)] == place:
            steps = (name, *where[len(place) : len(place) + 1])
            return Invalid(f"{name}: {first['msg']}", loc="/" + "/".join(steps))
    return Invalid(str(first["msg"]))
