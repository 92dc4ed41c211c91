"""Celery tasks. They are sent by `app.services.runs.outbox`, by name."""

from functools import cache

from redis import RedisError

from app.config import Settings
from app.db.engine import make_engine
from app.schemas.api.events import TRAIN_TASK
from app.services.runs.outbox import Outbox
from worker.celery_app import app, fork_server, heartbeat, stop_flag, trouble
from worker.service.heartbeat import worker_name
from worker.service.stop_flag import sigterm_waits
from worker.service.supervisor import Supervisor


def train(run_id: str) -> None:
    """Trains what waits for a worker: that run, and what is in line before and with it."""
    # All of it, the planning too: a process that ended between the commit of a claim and the start
    # of its trainer would leave runs that wait for their leases to end.
    with sigterm_waits(stop_flag):
        supervisor = _supervisor()
        if heartbeat and _is_more_announced(supervisor.outbox):
            heartbeat[0].settle()  # else the first of several new workers would take everything
        # The run is only a reason to look: by now another worker may have it, and others may be
        # first.
        supervisor.attend(run_id)


app.task(name=TRAIN_TASK)(train)


def _is_more_announced(outbox: Outbox) -> bool:
    """Whether other runs than the one of this wake-up wait, too, as far as Redis says."""
    try:
        return outbox.waiting() > 0
    except RedisError:
        return False


@cache
def _supervisor() -> Supervisor:
    """Made in the pool process, by its first task: connections do not survive a fork."""
    settings = Settings()
    return Supervisor(
        settings,
        make_engine(settings.database_url, pool_size=2, patience_seconds=settings.lease_seconds),
        Outbox(settings.redis_url),
        worker_name(),
        lambda: stop_flag.is_up,
        fork_server,
        trouble,
    )
