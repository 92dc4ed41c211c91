"""The analyst: a process of its own that does one analysis, started by `worker.fork_server`.

`python -m worker.analyst ANALYSIS:ATTEMPT [--parent PID] [--ready FD]`. SIGTERM: end the part,
give the rest back.
"""

import argparse
import logging
import os
import signal
import threading
from collections.abc import Sequence

from sqlalchemy import Engine

from app.config import Settings
from app.db.engine import make_engine
from app.logs import log_to_stderr
from app.services.analyses import attempts
from app.services.analyses.attempts import Turn
from app.services.runs.outbox import Outbox, transaction
from worker.retry import AWAY
from worker.run_and_exit import run_and_exit
from worker.service.die_with_parent import die_with_parent
from worker.uncollected import uncollected

log = logging.getLogger("worker.analyst")


def main(arguments: Sequence[str] | None = None) -> int:
    """Does the analysis; 0 when its end is in the database, or is none of its business."""
    parser = argparse.ArgumentParser(prog="python -m worker.analyst")
    parser.add_argument("turn", type=_turn, metavar="ANALYSIS:ATTEMPT")
    parser.add_argument("--parent", type=int, help="process to die with")
    parser.add_argument("--ready", type=int, help="where to write a byte when it can analyse")
    given = parser.parse_args(arguments)
    if given.parent is not None:
        die_with_parent(given.parent)
    settings = Settings()
    log_to_stderr(settings.log_format)
    log.info("analysis %s: attempt %d", given.turn.analysis_id, given.turn.attempt)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    patience = settings.lease_seconds
    engine = make_engine(settings.database_url, pool_size=2, patience_seconds=patience)
    outbox = Outbox(settings.redis_url)
    try:
        return _do(settings, engine, outbox, given.turn, stop, given.ready)
    finally:
        outbox.close()
        engine.dispose()


def _turn(text: str) -> Turn:
    analysis_id, _, attempt = text.rpartition(":")
    if not analysis_id or not attempt.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is not ANALYSIS:ATTEMPT, such as 7d0x3kq9me:1")
    return Turn(analysis_id, int(attempt))


def _do(
    settings: Settings,
    engine: Engine,
    outbox: Outbox,
    turn: Turn,
    stop: threading.Event,
    ready: int | None = None,
) -> int:
    # Loads torch, which takes seconds: only now that a stop or a dying parent is heard.
    with uncollected():
        from worker.analysis.session import AnalysisSession
        from worker.training.faults import PASSING, fault_of

    if ready is not None:
        os.write(ready, b"1")
        os.close(ready)
    try:
        AnalysisSession(settings, engine, outbox, turn, stop).run()
    except AWAY:
        log.warning("stopped while Postgres was away; the lease will end")
        return 1
    except Exception as error:
        log.exception("analysis %s failed", turn.analysis_id)
        kind, said = fault_of(error)
        with transaction(engine, outbox) as session:
            if kind in PASSING:
                attempts.settle(session, turn, said)
            else:
                attempts.fail(session, turn, kind, said)
    return 0


if __name__ == "__main__":
    run_and_exit(main)
