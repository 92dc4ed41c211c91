"""Removing runs that have ended: their rows, and the files that nothing else names."""

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from sqlalchemy.orm import Session

from app.db import access, lineage, locks
from app.db.engine import after_commit
from app.db.models import Run
from app.errors import Conflict
from app.schemas.access import Scope
from app.schemas.state import TERMINAL, RunState
from app.services.runs.grafts import refuse_while_grafted
from app.services.runs.lifecycle import lock_run
from app.services.runs.outbox import publish_run
from app.services.runs.permission import require
from app.services.series.checkpoints import local_path


def lock_deleting(session: Session) -> None:
    """One deletes at a time: of two runs that share a file the later one removes it."""
    # Before any row: who held a row and then waited here would deadlock with a bulk deletion,
    # which has this lock and wants rows.
    locks.lock(session, "deleting a run")


def delete_run(session: Session, run: Run, store_url: str) -> None:
    """Removes a run that has ended, with all its rows and, after the commit, its local files.

    Files that its forks, or its parent, still name stay; the last of them to go takes them along.
    """
    require(session, Scope.ADMIN)
    lock_deleting(session)
    lineage.lock_family(session, run.id)
    lock_run(session, run)
    if RunState(run.state) not in TERMINAL:
        raise Conflict(f"Run {run.id} is {run.state}; cancel it first, then delete it.")
    # Waits for launches that take layers from it, and for forks of it that are being made: from
    # here on they are committed, or find it gone.
    lineage.wait_for_keepers(session, run.id)
    refuse_while_grafted(session, run)
    run_id = run.id
    # Before the rows go, and they with the names. A terminal run has no trainer that could add
    # any.
    named = lineage.file_urls(session, run_id)
    access.note(session, "deleted a run", f"{run.name} ({run.id})")
    session.delete(run)
    session.flush()
    # Flushed first, so that the run's own rows no longer name them.
    shared = lineage.still_named(session, named)
    # Files cannot be rolled back. A process that dies before this leaves files and no rows, the
    # other order rows and no files.
    after_commit(session, lambda: remove_files(store_url, run_id, named, shared))
    publish_run(session, run_id)


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
    elsewhere = {path for url in named if (path := local_path(url)) and store in path.parents}
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
