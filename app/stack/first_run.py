"""A run to watch, for whoever starts Optoscope for the first time."""

from app.config import Settings
from app.db.engine import make_engine
from app.db.runs import runs_by_state
from app.schemas.presets import PRESETS
from app.services.runs.creation import create_run
from app.services.runs.outbox import Outbox, transaction

NAME = "First run"


def queue_first_run(settings: Settings) -> bool:
    """Queues the first preset if the database has never had a run; whether it did."""
    engine, outbox = make_engine(settings.database_url, pool_size=1), Outbox(settings.redis_url)
    try:
        with transaction(engine, outbox) as session:
            # Without a lock: two Optoscopes that begin with the same empty database at once both
            # queue one.
            first = not runs_by_state(session)
            if first:
                create_run(session, PRESETS[0].config, name=NAME)
        return first
    finally:
        outbox.close()
        engine.dispose()
