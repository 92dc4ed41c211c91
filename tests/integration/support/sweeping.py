"""A look of the reaper's that has been taken when it returns, whoever else sweeps."""

from collections.abc import Sequence

from sqlalchemy import Engine

from app.services.runs import reaper
from app.services.runs.outbox import Outbox
from app.services.runs.reaper import Kept
from tests.integration.support.wait import until


def sweep(engine: Engine, outbox: Outbox, *, also: Sequence[Kept] = ()) -> None:
    # A server that a test talks to has a reaper of its own. While that one is at it ours would see
    # nothing and do nothing, and the test would blame the product.
    until(lambda: reaper.sweep(engine, outbox, also=also))
