"""Waiting, with an end: for a condition, and for a look of the reaper's."""

import time
from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from app.services.runs import reaper
from app.services.runs.outbox import Outbox
from app.services.runs.reaper import Kept


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def sweep(engine: Engine, outbox: Outbox, *, also: Sequence[Kept] = ()) -> None:
    """A look that has been taken when it returns, whoever else sweeps."""
    # A server that a test talks to has a reaper of its own. While that one is at it ours would see
    # nothing and do nothing, and the test would blame the product.
    until(lambda: reaper.sweep(engine, outbox, also=also))
