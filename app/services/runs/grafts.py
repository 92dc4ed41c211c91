"""Grafts: clamps that take layers from another run's checkpoint, held against what there is.

A run config says only where a graft comes from; whether that run, its checkpoint and a fitting
model exist is known here. Files (`file:...`) are the worker's to read.
"""

import bisect
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from sqlalchemy.orm import Session

from app.db import lineage, runs, series
from app.db.models import Run
from app.errors import Conflict, Invalid
from app.schemas.clamps.kinds import GraftIn, GraftOut
from app.schemas.config import RunConfig
from app.schemas.state import TERMINAL
from app.schemas.words import enumerate_words, grouped

Graft = GraftIn | GraftOut


def check_grafts(session: Session, config: RunConfig, *, at: str = "/config/program") -> None:
    """Raises `Invalid` at the first graft that cannot be; `at` is where the request has clamps."""
    # Holds nothing: a launch has its donors kept by `keep_donors` before.
    for index, sentence in impossible_grafts(session, config):
        raise Invalid(f"Clamp {index + 1}, {sentence}", loc=f"{at}/{index}/checkpoint")


def keep_donors(session: Session, config: RunConfig) -> None:
    """Has the runs that a program takes layers from stay until the transaction ends.

    Whoever deletes one waits, and then finds the launch committed: see `refused_while_grafted`.
    """
    lineage.keep_from_deletion(session, donors_of(config))


def donors_of(config: RunConfig) -> set[str]:
    """The runs that a program takes layers from."""
    checkpoints = [clamp.checkpoint for _, clamp in grafts_of(config)]
    return {one.rpartition("@")[0] for one in checkpoints if not one.startswith("file:")}


def impossible_grafts(session: Session, config: RunConfig) -> Iterator[tuple[int, str]]:
    """The places in the program of grafts that cannot be, each with the reason."""
    for index, clamp in grafts_of(config):
        if reason := _misfit(session, config, clamp):
            yield index, f"{clamp.site}: {reason}"


def grafts_of(config: RunConfig) -> Iterator[tuple[int, Graft]]:
    """The grafts of a program, with their places in it."""
    for index, clamp in enumerate(config.program):
        if isinstance(clamp, GraftIn | GraftOut):
            yield index, clamp


def refused_while_grafted(session: Session, run_ids: Collection[str]) -> dict[str, Conflict]:
    """Those of the runs that others take layers from which have not ended, with the reason."""
    # The other side of `keep_donors`: asked when no launch that keeps these runs is under way.
    takers: dict[str, list[Run]] = defaultdict(list)
    for run in runs.unfinished_with_grafts(session):
        for donor in donors_of(RunConfig.model_validate(run.config)) & set(run_ids):
            takers[donor].append(run)
    return {donor: _taken_from(donor, grafted) for donor, grafted in takers.items()}


def _taken_from(run_id: str, takers: Sequence[Run]) -> Conflict:
    names = enumerate_words([f"{one.name} ({one.id})" for one in takers[:3]])
    return Conflict(
        f"Run {run_id} cannot be deleted yet: {names} takes layers from it and has not ended."
    )


def _misfit(session: Session, config: RunConfig, clamp: Graft) -> str | None:
    run_id, is_run, sequences = clamp.checkpoint.rpartition("@")
    if not is_run or clamp.checkpoint.startswith("file:"):
        return None
    run = runs.run_by_id(session, run_id)
    if run is None:
        return f"there is no run {run_id!r} to graft from."
    places = [one.sequences for one in series.checkpoints_of(session, run_id)]
    if int(sequences) not in places and not will_save(run, int(sequences)):
        place = grouped(int(sequences))
        return f"run {run_id} has no checkpoint at {place} sequences; {nearest(places, sequences)}"
    return _unlike(config, RunConfig.model_validate(run.config), clamp)


def awaited(session: Session, config: RunConfig) -> list[str]:
    """The checkpoints that a program grafts from and that its donors have yet to save."""
    names = {clamp.checkpoint for _, clamp in grafts_of(config)}
    return sorted(name for name in names if not name.startswith("file:") and _is_due(session, name))


def _is_due(session: Session, name: str) -> bool:
    run_id, _, sequences = name.rpartition("@")
    return series.checkpoint_at(session, run_id, int(sequences)) is None


def will_save(run: Run, place: int) -> bool:
    """Whether a run that goes on will have a checkpoint there: at its end, or where one is due
    before the first update at or past a multiple of its interval."""
    config = RunConfig.model_validate(run.config)
    total, batch = config.training.total_sequences, config.training.batch_size
    if run.state in TERMINAL or place <= run.sequences or place > total:
        return False
    every = config.recording.checkpoint_every
    first = -(-(place // every * every) // batch) * batch
    return place in (total, first)


def _unlike(config: RunConfig, donor: RunConfig, clamp: Graft) -> str | None:
    """What keeps a donor's layers from going where they should."""
    if any(grafts_of(donor)):
        return "its run is grafted itself, and grafts of grafts cannot be made."
    for name, (own, other) in _shared(config, donor, clamp).items():
        if own != other:
            return f"its run has {name} {other}, this one {own}; they must be the same."
    layer = clamp.site.layer or 0
    if layer >= donor.model.layers:
        return f"its run has layers 0 to {donor.model.layers - 1}."
    return None


def _shared(config: RunConfig, donor: RunConfig, clamp: Graft) -> dict[str, tuple[object, object]]:
    shared: dict[str, tuple[object, object]] = {
        "width": (config.model.width, donor.model.width),
        "labels": (config.task.labels, donor.task.labels),
        "context pairs": (config.task.context_pairs, donor.task.context_pairs),
        "dataset": (config.task.dataset, donor.task.dataset),
    }
    if isinstance(clamp, GraftOut):
        shared["layers"] = (config.model.layers, donor.model.layers)
    return shared


def nearest(places: Sequence[int], asked: int | str) -> str:
    """Where the nearest checkpoints are, in words."""
    if not places:
        return "it has saved none yet."
    at = bisect.bisect(places, int(asked))
    near = [grouped(place) for place in places[max(0, at - 1) : at + 1]]
    return f"the nearest {'is' if len(near) == 1 else 'are'} at {' and '.join(near)}."
