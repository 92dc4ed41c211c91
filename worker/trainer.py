"""The trainer: a process of its own that trains a cohort, started by `worker.fork_server`.

`python -m worker.trainer RUN:ATTEMPT ... [--parent PID] [--ready FD]`. SIGTERM: save and give the
runs back. Without runs it only shows whether it can get ready.
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
from app.db.claims import Claim
from app.db.engine import make_engine
from app.logs import log_to_stderr
from app.services.runs import attempts
from app.services.runs.outbox import Outbox, transaction
from worker.recording.recorder import Recorder, StaleAttemptError
from worker.retry import AWAY
from worker.run_and_exit import run_and_exit
from worker.service.die_with_parent import die_with_parent
from worker.uncollected import uncollected

log = logging.getLogger("worker.trainer")


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains; 0 when the attempts' endings are in the database, or are none of its business."""
    parser = argparse.ArgumentParser(prog="python -m worker.trainer")
    parser.add_argument("claims", nargs="*", type=_claim, metavar="RUN:ATTEMPT")
    parser.add_argument("--parent", type=int, help="process to die with")
    parser.add_argument("--ready", type=int, help="where to write a byte when it can train")
    given = parser.parse_args(arguments)
    if given.parent is not None:
        # First of all: a supervisor that was killed cannot settle for us, and a trainer that lived
        # on would renew leases that nobody watches.
        die_with_parent(given.parent)
    settings = Settings()
    log_to_stderr(settings.log_format, [claim.run_id for claim in given.claims])
    for claim in given.claims:
        log.info("run %s: attempt %d", claim.run_id, claim.attempt)
    stop = threading.Event()
    # Before torch is loaded, during which the default would end us without a word. The flag is
    # looked at every few updates.
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    # A transaction that stands still for as long as a lease is of a trainer that has lost its runs.
    patience = settings.lease_seconds
    engine = make_engine(settings.database_url, pool_size=2, patience_seconds=patience)
    outbox = Outbox(settings.redis_url)
    try:
        return _train(settings, engine, outbox, given.claims, stop, given.ready)
    finally:
        outbox.close()
        engine.dispose()


def _claim(text: str) -> Claim:
    run_id, _, attempt = text.rpartition(":")
    if not run_id or not attempt.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not RUN:ATTEMPT, such as 8kq2m4x7vd:1")
    return Claim(run_id, int(attempt))


def _train(
    settings: Settings,
    engine: Engine,
    outbox: Outbox,
    taken: Sequence[Claim],
    stop: threading.Event,
    ready: int | None,
) -> int:
    # Before torch: its thread renews the leases and hears of cancels while we load, as far as the
    # interpreter lets it run.
    recorder = Recorder(engine, outbox, settings, taken)
    # Loads torch, which takes seconds: only now that a stop or a dying parent is heard.
    with uncollected():
        from worker.training.session import TrainingSession

    if ready is not None:
        # What fails until here would fail for any run, and is not held against these.
        os.write(ready, b"1")
        os.close(ready)
        log.info("ready")
    try:
        TrainingSession(taken, settings, engine, recorder, stop).run()
    # Nothing to settle: the rows are others' or have their endings, and a write would find
    # nothing.
    except StaleAttemptError as error:
        log.warning("stopped: %s", error)
    except Exception as error:
        log.exception("the record could not be kept")
        return _lose(engine, outbox, taken, error)
    return 0


def _lose(engine: Engine, outbox: Outbox, taken: Sequence[Claim], error: Exception) -> int:
    """Says why these attempts end; if not even that works, the supervisor says less."""
    from worker.training.faults import fault_of

    kind, said = fault_of(error)
    try:
        # Not `retry_while_away`: the recorder has just failed for good, and the supervisor settles
        # what is left when this process has gone.
        with transaction(engine, outbox) as session:
            # Some may have been given their endings before the recorder failed; those are not
            # lost.
            for run in claims.hold_runs(session, taken):
                attempts.lose(session, run, f"The record could not be kept. {said}", kind)
    except AWAY:
        return 1
    return 0


if __name__ == "__main__":
    run_and_exit(main)
