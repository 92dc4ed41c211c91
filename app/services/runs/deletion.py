"""Removing runs that have ended: their rows, and the files that nothing else names."""

from collections.abc import Collection, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.orm import Session

from app.db import access, lineage, locks, runs
from app.db.engine import after_commit
from app.db.models import Run
from app.errors import AppError, Conflict, NotFound
from app.schemas.access import Scope
from app.schemas.state import TERMINAL, RunState
from app.services.runs.grafts import refused_while_grafted
from app.services.runs.outbox import publish_run
from app.services.runs.permission import require
from app.services.series.checkpoints import local_path


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
    """Removes runs that have ended, with all their rows and, after the commit, their local files.

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
        access.note(session, "deleted a run", f"{run.name} ({run.id})")
    session.execute(delete(Run).where(Run.id.in_(ended)))
    # Afterwards, so that the runs' own rows no longer name them.
    shared = lineage.still_named(session, set().union(*named.values()))
    # Files cannot be rolled back. A process that dies before this leaves files and no rows, the
    # other order rows and no files.
    for run_id, urls in named.items():
        after_commit(session, partial(remove_files, store_url, run_id, urls, shared))
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


def remove_files(
    store_url: str, run_id: str, named: Collection[str], shared: Collection[str]
) -> None:
    """Removes a deleted run's folder from a local store, and files of others that it named.

    What is `shared` with runs that are still there stays, and so do files in other stores.
    """
    store = local_path(store_url)
    if store is None:
        return
    # `shared` is of before the commit. A fork made since cannot name these files: its parent's
    # rows, which it would copy them from, are gone.
    kept = {local_path(url) for url in shared}
    # Those in the run's own folder are found below; a run has hundreds.
    own = f"{store_url.rstrip('/')}/{run_id}/"
    foreign = [local_path(url) for url in named if not url.startswith(own)]
    elsewhere = {path for path in foreign if path and store in path.parents}
    # All that is in the folder, named or not: resume points that were replaced just before a
    # crash, and halves of files of trainers that were killed.
    files = {*(store / run_id).glob("*"), *elsewhere}
    folders = {store / run_id, *(file.parent for file in files)}
    for remove, paths in ((Path.unlink, files - kept), (Path.rmdir, folders)):
        for path in paths:
            # Two deletions may be here at once, as the lock of the deleters ends with the commit:
            # each file is one's own or gone, and whoever empties a folder last removes it.
            with suppress(OSError):  # gone already; or a folder that still holds shared files
                remove(path)
