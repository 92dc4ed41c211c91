"""Runs whose data file is bad fail before a trainer is started for them, and hold up no others."""

import logging
from collections.abc import Mapping, Sequence

from sqlalchemy import Engine

from app.config import Settings
from app.db import claims
from app.db.claims import Claim
from app.db.engine import session_scope
from app.db.models import Run
from app.db.runs import with_data_files
from app.schemas.config import RunConfig
from app.schemas.state import ACTIVE, ErrorKind
from app.services.runs import attempts
from app.services.runs.data_files import FileLook, fault_of, look_at, path_of
from app.services.runs.outbox import Outbox, transaction

log = logging.getLogger(__name__)


def fail_bad_files(
    settings: Settings, engine: Engine, outbox: Outbox, taken: Sequence[Claim]
) -> list[Claim]:
    """The claims that can be trained, as far as a look at their files tells."""
    looks = _looks(settings, engine, taken)
    if not looks:
        return list(taken)
    refused = set()
    with transaction(engine, outbox) as session:
        for run in claims.hold_runs(session, taken):
            if run.id in looks and (said := _judged(run, looks[run.id])):
                log.warning("run %s, attempt %d: %s", run.id, run.attempt, said)
                attempts.refuse(session, run, said, ErrorKind.DATA_FILE)
                refused.add(run.id)
    return [claim for claim in taken if claim.run_id not in refused]


def _looks(settings: Settings, engine: Engine, taken: Sequence[Claim]) -> Mapping[str, FileLook]:
    """A look at the file of each run that has one; without a transaction, as it takes a second."""
    with session_scope(engine) as session:
        configs = with_data_files(session, [claim.run_id for claim in taken])
    paths = {run_id: path_of(RunConfig.model_validate(one)) for run_id, one in configs.items()}
    found = {}
    for path in {path for path in paths.values() if path is not None}:
        # No trainer does it yet, and several looks may take longer than a lease.
        with session_scope(engine) as session:
            claims.renew_start(session, taken, settings.lease_seconds, ACTIVE)
        found[path] = look_at(path)
    looks = {run_id: found[path] for run_id, path in paths.items() if path is not None}
    return {run_id: look for run_id, look in looks.items() if look is not None}


def _judged(run: Run, look: FileLook) -> str:
    """Why it cannot be trained; a first look is remembered."""
    said = fault_of(RunConfig.model_validate(run.config), look, run.data_sha256)
    if not said and run.data_sha256 is None:
        run.data_sha256 = look.sha256
    return said
