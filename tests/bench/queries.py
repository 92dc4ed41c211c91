"""How long queries over runs take: measures that a run's row does not hold, and what it does."""

from collections.abc import Iterator

import httpx
from sqlalchemy import text

from tests.bench.place import Place
from tests.bench.report import Line, say
from tests.bench.rows import EVERY
from tests.bench.tables import filled, timed

ASKED = (
    'state:finished learning_rate < 1e-4 and min(loss.new_classes) < .1 or tag:figure5 name~"seed"',
    "min(loss.new_classes) < .01",  # of no run: all are looked at
    "not min(loss.new_classes) < 9",
    "max(strongest_induction) > 2 and min(accuracy.train) > .9",
    "last(loss.train) < .01",
    "at(loss.train, 3k) < .01",
    "midpoint < 1000",
    "learning_rate < 1e-6",
    "created > -1h",
    "copy 99",
    'name~"copy 999"',
    "clamp:driven",
)
SPREAD = "0.5 + ('x' || right(md5({}), 4))::bit(16)::integer / 65536.0"  # one factor a run


def queries(place: Place, runs: int, measurements: int, times: int) -> Iterator[Line]:
    """Fills the tables, and asks."""
    filled(place, runs, measurements)
    _spread(place, measurements // runs)
    with httpx.Client(base_url=place.url, timeout=600) as client:
        for query in ASKED:
            asked = {"q": query, "limit": "50"}

            def ask(asked: dict[str, str] = asked) -> httpx.Response:
                return client.get("/api/v1/runs", params=asked).raise_for_status()

            yield timed(query if len(query) < 50 else f"{query[:47]}...", times, ask)


def _spread(place: Place, points: int) -> None:
    """Each run has numbers of its own where it was a copy."""
    factor = SPREAD.format("run_id")
    least = f"ARRAY(SELECT one * ({factor}) FROM unnest(least) one)"
    last = EVERY * (points - 1)
    with place.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"UPDATE run_extremes SET least = {least}"))
        middle = f"{last} * ({SPREAD.format('id')})"
        connection.execute(text(f"UPDATE run SET sequences = {last}, midpoint = {middle}"))
        connection.execute(text("VACUUM (ANALYZE) run, run_extremes"))
    say(f"{points} measurements of each")
