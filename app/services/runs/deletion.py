"""Deleting runs that have ended: hidden for a while, in which they can be restored; then purged,
their rows and the files that nothing else names."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.db import access, lineage, locks, runs
from app.db.models import INCLUDING_DELETED, Run
from app.errors import AppError, Conflict, NotFound
from app.schemas.access import Scope
from app.schemas.state import TERMINAL, RunState
from app.services.runs.grafts import refused_while_grafted
from app.services.runs.outbox import Transactions, publish_run
from app.services.runs.permission import require
from app.services.runs.retention import remove_after_commit

AT_ONCE = 100  # runs that are purged in one transaction


@dataclass(frozen=True, slots=True)
class Disposal:
    """How runs go: where their files are, and for how long they can be restored before; 0: not."""

    store_url: str
    grace: timedelta


def lock_deleting(session: Session) -> None:
    """One deletes at a time: of two runs that share a file the later one removes it."""
    # Before any row: who held a row and then waited here would deadlock with a bulk deletion,
    # which has this lock and wants rows.
    locks.lock(session, "deleting a run")


def hold_for_deletion(session: Session, run_ids: Collection[str]) -> dict[str, Run]:
    """Those of the runs that there are, locked so that nothing of them changes before they go."""
    lock_deleting(session)
    lineage.lock_families(session, run_ids)
    # Waits for launches that take layers from them, for forks of them that are being made and for
    # studies that take them up: from here on those are committed, or find them gone.
    lineage.wait_for_keepers(session, run_ids)
    return runs.locked_runs(session, run_ids)


def delete_runs(session: Session, run_ids: Collection[str], how: Disposal) -> dict[str, AppError]:
    """Hides runs that have ended until they are restored, or purged once their grace is over.

    Those that stay come back with the reason. Nothing of a hidden run changes: its rows name its
    files, and what protects the files of other runs' forks and grafts counts it.
    """
    if not how.grace:
        return purge_runs(session, run_ids, how.store_url)
    require(session, Scope.ADMIN)
    found = hold_for_deletion(session, run_ids)
    refused = _refused(session, run_ids, found)
    going = {run_id: run for run_id, run in found.items() if run_id not in refused}
    runs.mark_deleted(session, going, how.grace)
    _note(session, access.DELETED_RUN, going)
    return refused


def restore_runs(session: Session, run_ids: Collection[str]) -> dict[str, AppError]:
    """Shows deleted runs again, as they were; those that are not deleted, or are gone for good,
    come back with the reason."""
    require(session, Scope.ADMIN)
    lock_deleting(session)  # of those who purge, who look again for what is still deleted
    found = runs.locked_kept_runs(session, run_ids)
    refused = _gone(run_ids, found) | {
        run.id: Conflict(f"Run {run.id} is not deleted.")
        for run in found.values()
        if run.deleted_at is None
    }
    back = {run_id: run for run_id, run in found.items() if run_id not in refused}
    runs.unmark_deleted(session, back)
    _note(session, access.RESTORED_RUN, back)
    return refused


def purge_overdue(begin: Transactions, store_url: str) -> None:
    """Purges deleted runs whose grace is over; those that must wait are asked for the next time."""
    with begin() as session:
        if not runs.overdue_deleted(session, limit=1):
            return  # without the lock, which a backup has for long
    with begin() as session:
        lock_deleting(session)  # else one of them may be restored before it is purged
        purge_runs(session, runs.overdue_deleted(session, limit=AT_ONCE), store_url)


def purge_runs(session: Session, run_ids: Collection[str], store_url: str) -> dict[str, AppError]:
    """Removes runs that have ended, deleted or not, with all their rows and, after the commit,
    their files.

    Those that stay come back with the reason. Files that forks, or parents, still name stay; the
    last of them to go takes them along. As many statements for many runs as for one.
    """
    require(session, Scope.ADMIN)
    hold_for_deletion(session, run_ids)
    found = runs.locked_kept_runs(session, run_ids)
    # Asked again: what was true when they were hidden need not be by now.
    refused = _refused(session, run_ids, found)
    ended = {run_id: run for run_id, run in found.items() if run_id not in refused}
    # Before the rows go, and they with the names. A terminal run has no trainer that could add
    # any.
    named = lineage.file_urls(session, ended)
    statement = delete(Run).where(Run.id.in_(ended))
    session.execute(statement, execution_options=INCLUDING_DELETED)
    # Afterwards, so that the runs' own rows no longer name them.
    shared = lineage.still_named(session, set().union(*named.values()))
    remove_after_commit(session, _going(session, named, shared, store_url))
    _note(session, access.PURGED_RUN, ended)
    return refused


def or_raise(refused: Mapping[str, AppError]) -> None:
    """Raises why a run was refused, if one was."""
    for refusal in refused.values():
        raise refusal


def _note(session: Session, what: str, changed: Mapping[str, Run]) -> None:
    """Writes down who did it, and tells open pages."""
    for run in changed.values():
        access.note(session, what, f"{run.name} ({run.id})")
        publish_run(session, run.id)


def _refused(
    session: Session, run_ids: Collection[str], found: Mapping[str, Run]
) -> dict[str, AppError]:
    """The runs that stay, and those that are gone, with the reason."""
    going = {
        run.id: Conflict(f"Run {run.id} is {run.state}; cancel it first, then delete it.")
        for run in found.values()
        if RunState(run.state) not in TERMINAL
    }
    return {**_gone(run_ids, found), **refused_while_grafted(session, found), **going}


def _gone(run_ids: Collection[str], found: Mapping[str, Run]) -> dict[str, AppError]:
    gone = {*run_ids} - {*found}
    return {one: NotFound(f"There is no run {one!r} any more.") for one in gone}


def _going(
    session: Session, named: Mapping[str, set[str]], shared: set[str], store_url: str
) -> set[str]:
    """Files that nobody names any more, the runs' own folders, and those of runs that were deleted
    before and whose files they named."""
    urls = set().union(*named.values())
    owners = {
        folder: folder.rpartition("/")[2] for folder in (one.rpartition("/")[0] for one in urls)
    }
    # In that of a run that is still there its recorder may just be writing.
    present = runs.kept_runs(session, set(owners.values()))
    left = {f"{folder}/" for folder, owner in owners.items() if owner not in present}
    own = {f"{store_url.rstrip('/')}/{run_id}/" for run_id in named}
    # What lies in a folder goes with it, one look for all.
    within = tuple(left | own)
    return left | own | {one for one in urls - shared if not one.startswith(within)}
