"""Retention: of the checkpoints of a run those stay that are worth their room."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db import lineage, locks, retention, runs
from app.db.engine import after_commit, session_scope
from app.db.models import Checkpoint, Run
from app.schemas.retention import MOST_MEANWHILE, Course, Keep, kept, kept_meanwhile
from app.schemas.state import TERMINAL
from app.services.series.files import is_removable, remove_files

SETTLED = timedelta(minutes=1)  # since a run ended: somebody may be about to fork it
AT_ONCE = 50
_GOING = "files that go"  # in a session's info


@dataclass(frozen=True, slots=True)
class Freed:
    """What goes, or would go."""

    checkpoints: int
    size: int  # bytes


def thin_run(session: Session, run_id: str) -> Freed:
    """Forgets the checkpoints of a run that need not stay, and notes their files."""
    # As for a deletion: no other decides about the same files meanwhile, and no fork that is being
    # made names one that goes.
    locks.lock(session, "deleting a run")
    run = runs.locked_run(session, run_id)
    if run is None or run.keep_checkpoints != Keep.USUAL:
        return Freed(0, 0)
    lineage.wait_for_keepers(session, [run_id])
    if retention.is_asked(session, run_id):
        return Freed(0, 0)  # later, once its analyses have what they look at
    freed = _forget(session, run, spare_checkpoints(session, run))
    if run.state in TERMINAL:
        run.thinned_at = runs.now(session)
    return freed


def thin_training(session: Session, run_id: str) -> Freed:
    """The same of a run in training, if it can be had at once: its recorder is not to wait."""
    locks.lock(session, "deleting a run")
    return thin_run(session, run_id) if lineage.take_unkept(session, run_id) else Freed(0, 0)


def _forget(session: Session, run: Run, spare: Sequence[Checkpoint]) -> Freed:
    run_id = run.id
    retention.drop_checkpoints(session, run_id, [one.sequences for one in spare])
    shared = lineage.still_named(session, {one.url for one in spare})
    going = [one for one in spare if one.url not in shared]
    remove_after_commit(session, {one.url for one in going})
    return Freed(len(going), sum(one.size for one in going))


def spare_checkpoints(session: Session, run: Run) -> list[Checkpoint]:
    """Those that need not stay, as far as the run has gone."""
    saved = retention.checkpoints(session, run.id)
    pinned = {one.sequences for one in saved if one.is_pinned}
    needed = pinned | retention.needed_by_others(session, run.id)
    course = Course(run.total_sequences, run.onset, run.end)
    rule = kept if run.state in TERMINAL else kept_meanwhile
    stay = rule([one.sequences for one in saved], course, needed)
    return [one for one in saved if one.sequences not in stay]


def would_free(session: Session) -> Freed:
    """What the next looks will free, over all runs that have ended."""
    spare = [
        one
        for run_id in retention.ended_runs_to_thin(session, since=timedelta(0), limit=10_000)
        if (run := runs.run_by_id(session, run_id)) is not None
        for one in spare_checkpoints(session, run)
    ]
    return Freed(len(spare), sum(one.size for one in spare))


def tidy(engine: Engine) -> None:
    """One look: thins runs that have ended or grown, and removes noted files that still exist."""
    with session_scope(engine) as session:
        waiting = retention.ended_runs_to_thin(session, since=SETTLED, limit=AT_ONCE)
        growing = retention.training_runs_to_thin(session, most=MOST_MEANWHILE, limit=AT_ONCE)
    for run_id in waiting:
        with session_scope(engine) as session:
            thin_run(session, run_id)
    for run_id in growing:
        with session_scope(engine) as session:
            thin_training(session, run_id)
    with session_scope(engine) as session:
        urls = retention.removals(session, since=timedelta(0), limit=10 * AT_ONCE)
    remove_noted(engine, set(urls))


def remove_after_commit(session: Session, urls: Collection[str]) -> None:
    """Notes files, and removes them once the transaction is committed: they cannot be rolled back.

    A process that dies in between leaves them to the janitor, having noted them in that commit.
    """
    urls = {*filter(is_removable, urls)}
    retention.note_removals(session, urls)
    # One look for all of a transaction: a bulk deletion has many runs.
    if _GOING not in session.info:
        session.info[_GOING] = set()
        engine = session.get_bind()  # the session is over by then
        assert isinstance(engine, Engine)
        after_commit(session, lambda: remove_noted(engine, session.info[_GOING]))
    session.info[_GOING] |= urls


def remove_noted(engine: Engine, urls: set[str]) -> None:
    """Removes files that a committed transaction has noted. Done twice, it does nothing."""
    if not urls:
        return

    def is_named(found: Collection[str]) -> set[str]:
        with session_scope(engine) as session:
            return lineage.still_named(session, found)

    gone = remove_files(urls, is_named)
    with session_scope(engine) as session:
        retention.forget_removals(session, gone)
