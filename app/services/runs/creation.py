"""Making runs: their rows, their names, and the wake-up of a worker for each."""

import secrets
from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db.models import Run, RunEvent
from app.schemas.cohorts import cohort_key
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.schemas.words import enumerate_words
from app.services.naming import default_name
from app.services.runs.data_files import identity_of
from app.services.runs.grafts import awaited
from app.services.runs.lifecycle import SAID, record_event
from app.services.runs.outbox import send_train, send_trains

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # no i, l, o, u: ids are read aloud
ID_LENGTH = 10


def create_run(
    session: Session,
    config: RunConfig,
    *,
    name: str = "",
    tags: Sequence[str] = (),
    notes: str = "",
    priority: int = 0,
) -> Run:
    """A queued run; once the transaction is committed, a worker is told."""
    run = make_run(config, name=name, tags=tags, notes=notes)
    run.priority = priority
    enqueue(session, run)
    return run


def new_id() -> str:
    """The id of a new run or study."""
    return "".join(secrets.choice(ALPHABET) for _ in range(ID_LENGTH))


def make_run(
    config: RunConfig, *, name: str = "", tags: Sequence[str] = (), notes: str = ""
) -> Run:
    """The row of a new run, not queued yet."""
    return Run(
        id=new_id(),
        name=name.strip() or default_name(config),
        tags=list(dict.fromkeys(tags)),
        notes=notes,
        config=config.model_dump(mode="json"),
        config_hash=config.config_hash,
        data_sha256=identity_of(config),
        cohort_key=cohort_key(config),
        total_sequences=config.training.total_sequences,
    )


def enqueue(session: Session, run: Run, message: str = SAID[RunState.QUEUED]) -> None:
    """Adds a new run; once the transaction is committed, a worker is told."""
    _await_donors(session, [run])
    # The run is added and announced in one transaction. The wake-up goes out after its commit,
    # since a worker that looks before would find nothing and go back to sleep.
    session.add(run)
    # The event's foreign key needs the row to be there first; the session knows of no relation
    # between the two that would have it sort them.
    session.flush()
    record_event(session, run, RunState.QUEUED, said_of(run, message))
    send_train(session, run.id)


def enqueue_all(session: Session, runs: Sequence[Run]) -> None:
    """Adds many new runs in a few statements. No page can be open on any of them yet."""
    _await_donors(session, runs)
    session.add_all(runs)
    session.flush()
    kind, said = RunState.QUEUED.value, SAID[RunState.QUEUED]
    session.add_all(
        RunEvent(run_id=run.id, sequences=0, kind=kind, message=said_of(run, said)) for run in runs
    )
    session.flush()
    send_trains(session, [run.id for run in runs])


def said_of(run: Run, message: str) -> str:
    """The message with what the run waits for besides a worker."""
    if not run.awaits:
        return message
    names = enumerate_words([one.replace("@", " at ") for one in run.awaits])
    return f"{message} First it waits for what it grafts from, of run {names} sequences."


def _await_donors(session: Session, runs: Sequence[Run]) -> None:
    for run in runs:
        run.awaits = awaited(session, RunConfig.model_validate(run.config))
