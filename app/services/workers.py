"""The workers, what each has in hand, and what waits for them: as the API and the page say it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import workers
from app.db.models import Run, Worker
from app.schemas.api.workers import WorkerRead, WorkerRun, WorkersRead
from app.schemas.state import RunState
from app.services.series.measurements import finite
from app.services.wording import duration

REFRESH_SECONDS = 3
MOST_NAMED = 4  # runs of a worker; of the others only their number is said


@dataclass(frozen=True)
class WorkersPage:
    """Context of `workers/page.html`."""

    workers: Sequence[WorkerRead]
    queue: str
    refresh_seconds: int
    most_named: int


def read_workers(session: Session) -> WorkersRead:
    """Every worker that was heard of lately, and the queue."""
    # Three statements of different moments: a run that is claimed in between is missing here and
    # no longer waits. The page asks again in seconds.
    in_hand = workers.runs_in_hand(session)
    waiting, oldest = workers.queue(session)
    return WorkersRead(
        workers=[
            _read(worker, heard, [run for run in in_hand if run.worker == worker.name])
            for worker, heard in workers.all_workers(session)
        ],
        waiting=waiting,
        oldest_wait_seconds=oldest,
    )


def workers_page(session: Session) -> WorkersPage:
    """The page of workers."""
    read = read_workers(session)
    return WorkersPage(read.workers, _queue(read), REFRESH_SECONDS, MOST_NAMED)


def _read(worker: Worker, heard: bool, runs: Sequence[Run]) -> WorkerRead:
    held = [
        WorkerRun(
            id=run.id,
            name=run.name,
            state=RunState(run.state),
            progress=min(1.0, run.sequences / run.total_sequences),
            sequences_per_second=finite(run.sequences_per_second),
        )
        for run in runs
    ]
    columns = {column.name: getattr(worker, column.name) for column in Worker.__table__.columns}
    return WorkerRead(
        **columns,
        is_silent=not heard,
        runs=held,
        sequences_per_second=sum(run.sequences_per_second or 0 for run in held),
    )


def _queue(read: WorkersRead) -> str:
    if not read.waiting:
        return "No run waits for a worker."
    since = duration(read.oldest_wait_seconds)
    if read.waiting == 1:
        return f"1 run waits for a worker, for {since} by now."
    return f"{read.waiting} runs wait for a worker, the first of them for {since} by now."
