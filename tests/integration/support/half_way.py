"""Runs that are caught while they train."""

from collections.abc import Callable

from sqlalchemy import Engine

from tests.integration.support.recorded import has_resume_point, state
from tests.integration.support.worker_process import WorkerProcess

TRIES = 5


def half_way(
    worker: WorkerProcess, engine: Engine, launch: Callable[[], str], *, after: int = 0
) -> str:
    """A run that `launch` has launched, with a resume point past a place and a measurement past
    that, which still trains."""
    for _ in range(TRIES):
        run_id = launch()
        # Resume points are saved by the clock: on a machine whose other work holds this process up,
        # a run of seconds is through before anybody looks. Another one is as good.
        has_one = has_resume_point(engine, run_id, after=after)
        worker.until(
            lambda has_one=has_one, run_id=run_id: has_one() or state(engine, run_id) == "finished",
            "resume point with a measurement past it",
        )
        if state(engine, run_id) != "finished":
            return run_id
    raise AssertionError(f"{TRIES} runs were through before one was caught")
