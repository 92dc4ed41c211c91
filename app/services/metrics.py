"""What is measured of this program, for Prometheus: its database, its streams and its requests.

Labels are states, templates of routes and names of workers: as many as there are, never what
somebody sends.
"""

import logging
import platform
import shutil
from collections.abc import Iterator, Sequence
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.config import Settings
from app.db import metrics, runs, workers
from app.db.engine import session_scope
from app.schemas.state import RunState
from app.services.beats import Beats
from app.services.live.hub import Hub

log = logging.getLogger(__name__)


class Metrics:
    """The measures of one web process. Made once by `create_app`."""

    def __init__(self, settings: Settings, engine: Engine, hub: Hub, beats: Beats) -> None:
        # Of its own and not the library's, which is one for all applications of a process.
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "optoscope_request_seconds",
            "Until an answer begins, by template of route and class of status.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.registry.register(_Collector(settings, engine, hub, beats))


class _Collector(Collector):
    """Looks when it is asked, so that nothing is measured that nobody reads."""

    def __init__(self, settings: Settings, engine: Engine, hub: Hub, beats: Beats) -> None:
        self._settings, self._engine, self._hub, self._beats = settings, engine, hub, beats

    def describe(self) -> list[Metric]:
        return []  # else the library looks once when this is registered, before there is anything

    def collect(self) -> Iterator[Metric]:
        build = {"version": version("optoscope"), "python": platform.python_version()}
        yield _labelled("build_info", "Which Optoscope this is.", [(build, 1)])
        yield from self._of_this_process()
        try:
            with session_scope(self._engine) as session:
                found = [*self._of_the_database(session), *_of_workers(session)]
        except SQLAlchemyError as error:
            log.warning("metrics without those of the database: %s", error)
            found = []
        yield _gauge("database_up", "Whether the database answers.", float(bool(found)))
        yield from found

    def _of_this_process(self) -> Iterator[Metric]:
        load = self._hub.load()
        yield _gauge("stream_clients", "Runs that open streams follow.", load.streams)
        yield _gauge("stream_lag_seconds", "For how long a stream at most has news.", load.lag)
        ages = [({"work": name}, age) for name, age in self._beats.ages().items()]
        said = "Since background work of this process was last done."
        yield _labelled("background_age_seconds", said, ages)
        try:
            disk = shutil.disk_usage(self._settings.data_dir)
        except OSError:  # a web server of several machines may have no data directory
            return
        yield _gauge("disk_bytes", "Of the data directory's disk.", disk.total)
        yield _gauge("disk_free_bytes", "Of the data directory's disk.", disk.free)

    def _of_the_database(self, session: Session) -> Iterator[Metric]:
        counts = dict.fromkeys(RunState, 0) | runs.runs_by_state(session)
        states = [({"state": state.value}, count) for state, count in counts.items()]
        yield _labelled("runs", "Runs by state.", states)
        waiting, oldest = workers.queue(session)
        yield _gauge("queue_depth", "Runs that wait for a worker.", waiting)
        yield _gauge("queue_oldest_seconds", "For how long the first has.", oldest or 0.0)
        left, whole = metrics.least_lease(session), self._settings.lease_seconds
        age = 0.0 if left is None else max(0.0, whole - left)
        said = "Since a trainer at most renewed its lease; lost past OPTOSCOPE_LEASE_SECONDS."
        yield _gauge("lease_age_seconds", said, age)
        yield _gauge("sequences_per_second", "Of all trainings.", metrics.training_rate(session))
        # A counter, so that rows per second are `rate(optoscope_measurements_total[1m])`.
        written = metrics.measurements_written(session)
        yield CounterMetricFamily("optoscope_measurements", "Rows of them written.", written)


def _of_workers(session: Session) -> Iterator[Metric]:
    """Of those heard of just now: memory and disk as they report them, and if they can train."""
    heard = [worker for worker, is_heard in workers.all_workers(session) if is_heard]
    able = [({"worker": one.name}, float(not one.trouble)) for one in heard]
    yield _labelled("worker_up", "1: it can train; 0: the page of workers says why not.", able)
    for name, said in (
        ("memory", "Of a worker's machine."),
        ("memory_free", "What could be had of it."),
        ("disk", "Of the fullest disk that a worker writes to."),
        ("disk_free", "What is left of it."),
    ):
        told = [(one.name, getattr(one, name)) for one in heard]
        values = [({"worker": worker}, size) for worker, size in told if size is not None]
        yield _labelled(f"worker_{name}_bytes", said, values)


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(f"optoscope_{name}", said, value)


def _labelled(name: str, said: str, values: Sequence[tuple[dict[str, str], float]]) -> Metric:
    labels = list(values[0][0]) if values else ["name"]
    family = GaugeMetricFamily(f"optoscope_{name}", said, labels=labels)
    for found, value in values:
        family.add_metric(list(found.values()), value)
    return family
