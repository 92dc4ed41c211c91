"""Removing runs that have ended: their rows, and the files that nothing else names."""

from collections.abc import Collection, Mapping

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.db import access, lineage, locks, runs
from app.db.models import Run
from app.errors import AppError, Conflict, NotFound
from app.schemas.access import Scope
from app.schemas.state import TERMINAL, RunState
from app.services.runs.grafts import refused_while_grafted
from app.services.runs.outbox import publish_run
from app.services.runs.permission import require
from app.services.runs.retention import remove_after_commit


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


def delete_run(session: Session, run: Run, store_url: str) -> None:
    """Removes a run that has ended, as `delete_runs` does; raises the reason if it stays."""
    refused = delete_runs(session, [run.id], store_url)
    if run.id in refused:
        raise refused[run.id]


def delete_runs(session: Session, run_ids: Collection[str], store_url: str) -> dict[str, AppError]:
    """Removes runs that have ended, with all their rows and, after the commit, their files.

    Those that stay come back with the reason. Files that forks, or parents, still name stay; the
    last of them to go takes them along. As many statements for many runs as for one.
    """
    require(session, Scope.ADMIN)
    found = hold_for_deletion(session, run_ids)
    refused = _refused(session, run_ids, found)
    ended = {run_id: run for run_id, run in found.items() if run_id not in refused}
    # Before the rows go, and they with the names. A terminal run has no trainer that could add
    # any.
    named = lineage.file_urls(session, ended)
    for run in ended.values():
        access.note(session, access.DELETED_RUN, f"{run.name} ({run.id})")
    session.execute(delete(Run).where(Run.id.in_(ended)))
    # Afterwards, so that the runs' own rows no longer name them.
    shared = lineage.still_named(session, set().union(*named.values()))
    remove_after_commit(session, _going(session, named, shared, store_url))
    for run_id in named:
        publish_run(session, run_id)
    return refused


def _refused(
    session: Session, run_ids: Collection[str], found: Mapping[str, Run]
) -> dict[str, AppError]:
    """The runs that stay, and those that are gone, with the reason."""
    gone = {one: NotFound(f"There is no run {one!r} any more.") for one in {*run_ids} - {*found}}
    going = {
        run.id: Conflict(f"Run {run.id} is {run.state}; cancel it first, then delete it.")
        for run in found.values()
        if RunState(run.state) not in TERMINAL
    }
    return {**gone, **refused_while_grafted(session, found), **going}


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
    present = runs.known_runs(session, set(owners.values()))
    left = {f"{folder}/" for folder, owner in owners.items() if owner not in present}
    own = {f"{store_url.rstrip('/')}/{run_id}/" for run_id in named}
    # What lies in a folder goes with it, one look for all.
    within = tuple(left | own)
    return left | own | {one for one in urls - shared if not one.startswith(within)}
