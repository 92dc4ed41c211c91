"""The Celery app of the workers, which `python -m worker.serve` starts.

Messages are wake-ups that hold a run's id; what is to be done, and whether, is in Postgres. So a
message is acknowledged before its task starts, and may be lost or delivered twice.

SIGTERM (Celery's warm shutdown) has the trainer save and give its run back, which takes seconds.
Imported by worker processes only: it reads the settings when imported.
"""

import os
from contextlib import suppress

from celery import Celery, signals

from app.db.engine import make_engine
from app.logs import log_to_stderr
from app.schemas.api.events import TRAIN_QUEUE
from app.services.runs.outbox import broker_url
from app.stack.environment import checked_settings
from app.stack.trouble import StackError
from worker.service.die_with_parent import die_with_parent
from worker.service.fork_server import ForkServer
from worker.service.heartbeat import Heartbeat
from worker.service.stop_flag import StopFlag
from worker.service.trouble import Trouble

HALF_A_DAY = 12 * 3600
_MAIN_PROCESS = os.getpid()

try:
    settings = checked_settings()
except StackError as error:
    raise SystemExit(f"optoscope: {error}") from None
# Made when this is imported, before the pool process is forked: both sides see the same byte.
stop_flag = StopFlag()
# In the main process, which hears of the shutdown; the pool process is busy with a training and is
# told nothing by Celery until its task ends.
signals.worker_shutting_down.connect(stop_flag.put_up, weak=False)


def _set_logging_up(**_: object) -> None:
    """Called by Celery, which then leaves the root logger alone."""
    log_to_stderr(settings.log_format)


signals.setup_logging.connect(_set_logging_up, weak=False)


def _die_with_the_worker(**_: object) -> None:
    """In the pool process, which would else supervise its training to the end, alone."""
    # The process that has imported this, and not who is the parent now: of a main process that
    # died since, that would be somebody else, who lives on.
    die_with_parent(_MAIN_PROCESS)


signals.worker_process_init.connect(_die_with_the_worker, weak=False)

heartbeat: list[Heartbeat] = []  # of the pool process
trouble = Trouble()  # of the pool process, too: its supervisor meets it, its heartbeat tells


fork_server = ForkServer(settings)  # of the pool process


def _start_fork_server(**_: object) -> None:
    """Loads torch before the first run is there. What goes wrong is told when that is trained."""
    with suppress(OSError):
        fork_server.start()


def _start_heartbeat(**_: object) -> None:
    """In the pool process: connections and threads do not survive a fork."""
    # An engine of its own: the thread beats also while the supervisor's connection is in use or
    # waits for Postgres.
    engine = make_engine(settings.database_url, pool_size=1)
    heartbeat.append(Heartbeat(settings, engine, trouble))
    heartbeat[0].start()


def _stop_heartbeat(**_: object) -> None:
    for one in heartbeat:
        one.stop()


signals.worker_process_init.connect(_start_fork_server, weak=False)
signals.worker_process_init.connect(_start_heartbeat, weak=False)
signals.worker_process_shutdown.connect(_stop_heartbeat, weak=False)

app = Celery("optoscope", broker=broker_url(settings.redis_url), include=["worker.tasks"])
app.conf.update(
    task_default_queue=TRAIN_QUEUE,
    task_serializer="json",
    accept_content=["json"],
    task_ignore_result=True,  # what a run came to is in its row
    # Early: Redis delivers what is not acknowledged again and again while a training lasts hours.
    task_acks_late=False,
    task_reject_on_worker_lost=False,
    visibility_timeout=HALF_A_DAY,
    broker_transport_options={"visibility_timeout": HALF_A_DAY, "socket_keepalive": True},
    # A message that waits behind a training here is one that an idle worker does not get.
    worker_concurrency=1,
    worker_disable_prefetch=True,
    worker_prefetch_multiplier=1,
    worker_pool="prefork",  # the usual fork is safe: torch is not loaded, threads start after it
    worker_enable_remote_control=False,  # cancelling goes by the row, health by the database
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    # Redis may be away for as long as it likes: trainings go on, and the worker comes back.
    broker_connection_retry=True,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
)
