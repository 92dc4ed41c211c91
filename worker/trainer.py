"""The trainer: a process of its own for one attempt at a run, started by `worker.supervisor`.

`python -m worker.trainer RUN_ID ATTEMPT [--parent PID]`. SIGTERM: save and give the run back.
"""

import argparse
import logging
import os
import signal
import threading
from collections.abc import Sequence

from sqlalchemy import Engine

from app.config import Settings
from app.db import claims
from app.db.engine import make_engine
from app.services import attempts
from app.services.queue import Outbox, transaction
from worker.logs import log_to_stderr
from worker.parent import die_with
from worker.patience import AWAY
from worker.recorder import Recorder, StaleAttemptError
from worker.store import Store

log = logging.getLogger("worker.trainer")


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains; 0 when the attempt's ending is in the database, or is none of its business."""
    parser = argparse.ArgumentParser(prog="python -m worker.trainer")
    parser.add_argument("run_id")
    parser.add_argument("attempt", type=int)
    parser.add_argument("--parent", type=int, help="process to die with")
    given = parser.parse_args(arguments)
    if given.parent is not None:
        die_with(given.parent)
    log_to_stderr()
    log.info("run %s: attempt %d", given.run_id, given.attempt)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = Settings()
    engine, outbox = make_engine(settings.database_url, pool_size=2), Outbox(settings.redis_url)
    try:
        return _train(settings, engine, outbox, given.run_id, given.attempt, stop)
    finally:
        outbox.close()
        engine.dispose()


def _train(
    settings: Settings,
    engine: Engine,
    outbox: Outbox,
    run_id: str,
    attempt: int,
    stop: threading.Event,
) -> int:
    store = Store(settings.checkpoint_url, run_id)
    recorder = Recorder(engine, outbox, store, settings, run_id, attempt)
    # Loads torch, which takes seconds: only now that a stop or a dying parent is heard.
    from worker.session import TrainingSession

    try:
        TrainingSession(run_id, settings, engine, store, recorder, stop).run()
    except StaleAttemptError as error:
        log.warning("stopped: %s", error)
    except Exception as error:
        log.exception("run %s: the record could not be kept", run_id)
        return _lose(engine, outbox, run_id, attempt, f"The record could not be kept: {error}.")
    return 0


def _lose(engine: Engine, outbox: Outbox, run_id: str, attempt: int, reason: str) -> int:
    """Says why this attempt ends; if not even that works, the supervisor says less."""
    try:
        with transaction(engine, outbox) as session:
            run = claims.hold(session, run_id, attempt)
            if run is not None:
                attempts.lose(session, run, reason)
    except AWAY:
        return 1
    return 0


if __name__ == "__main__":
    code = main()
    logging.shutdown()
    os._exit(code)  # taking torch down in good order takes a second, for nothing
