"""`python -m tests.bench.writer`: reports of runs at a steady pace, as trainers make them.

Written through `app.db.recording`, committed, then told to open pages; until it is ended.
"""

import argparse
import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from app.config import Settings
from app.db import recording
from app.db.claims import Claim
from app.db.engine import make_engine
from app.schemas.api.events import MeasurementMessage
from app.schemas.measure import Measurement, PhaseChange
from app.services.runs.outbox import Outbox, publish, transaction
from tests.bench.rows import ATTEMPT, EVERY, measured


def main() -> None:
    given = _arguments()
    settings = Settings()
    engine, outbox = make_engine(settings.database_url), Outbox(settings.redis_url)
    rng = random.Random(0)
    due = time.monotonic()
    for n in range(given.start, 10 * given.start):
        one = measured(EVERY * n, 2 * EVERY * given.start, rng)
        with transaction(engine, outbox) as session:
            _write(session, given.runs, one)
        due += 1 / given.rate
        time.sleep(max(0, due - time.monotonic()))


def _write(session: Session, runs: Sequence[str], one: Measurement) -> None:
    now = datetime.now(UTC)
    claims = [Claim(run_id, ATTEMPT) for run_id in runs]
    recording.add_measurements(session, {claim: [(one, now)] for claim in claims})
    recording.set_progress(session, [_progress(run_id, one) for run_id in runs])
    message = MeasurementMessage(
        previous=one.sequences - EVERY, computed_at=now.isoformat(), measurement=one
    )
    for run_id in runs:
        publish(session, run_id, message)


def _progress(run_id: str, one: Measurement) -> recording.Progress:
    return recording.Progress(
        run_id=run_id,
        sequences=one.sequences,
        train_loss=one.loss[0],
        sequences_per_second=20_000.0,
        fruitless_attempts=0,
        phase=PhaseChange(),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.writer", description=__doc__)
    parser.add_argument("runs", nargs="+", help="ids")
    parser.add_argument("--start", type=int, required=True, help="measurements that there are")
    parser.add_argument("--rate", type=float, default=4.0, help="a second, of every run")
    return parser.parse_args()


if __name__ == "__main__":
    main()
