"""The script that pages follow runs by, against a real server that is cut off and replaced."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.db.engine import session_scope
from app.db.series import measurements_after
from app.main import create_app
from app.schemas.state import RunState
from tests.integration.support.proxy import CuttingProxy, cutting_proxy
from tests.integration.support.rows import add, measurement, moved, new_run, report
from tests.integration.support.wait import until
from tests.integration.support.web_server import serving
from tests.unit.web.test_in_node import nodes, tells_modules

FOLLOW = Path(__file__).with_name("follow.mjs")
CUTS = 3
SOME = 300  # measurements, of two events


@pytest.fixture
def node() -> str:
    found = next(filter(tells_modules, nodes()), None)
    if found is None:
        # Set-up brings one: without it nothing was tested, which a person may do and CI may not.
        missing = "there is no Node; the extra `embedded` brings one"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    return found


@contextmanager
def following(command: list[str | Path]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.PIPE) as page:
        try:
            yield page
        finally:
            page.kill()


def cut_while_it_trains(engine, outbox, run_id: str, proxy: CuttingProxy, first: int) -> int:
    """Where the run is then."""
    for place in range(first, first + 5 * CUTS, 5):
        until(lambda: proxy.connections)
        report(engine, outbox, run_id, *range(place, place + 5))
        proxy.cut()
        until(lambda: not proxy.connections)
    return first + 5 * CUTS


def test_a_page_that_is_cut_off_again_and_again_and_whose_server_is_replaced_shows_every_point_once(
    settings, engine, outbox, server, node
):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    add(engine, run_id, *map(measurement, range(SOME)))
    with ExitStack() as resources, cutting_proxy(urlsplit(server.url).port or 0) as proxy:
        url = f"http://127.0.0.1:{proxy.port}/api/v1/events"
        page = resources.enter_context(following([node, FOLLOW, url, run_id]))
        place = cut_while_it_trains(engine, outbox, run_id, proxy, SOME)
        with serving(create_app(settings)) as successor:
            proxy.to = urlsplit(successor.url).port or 0
            cut_while_it_trains(engine, outbox, run_id, proxy, place)
            moved(engine, outbox, run_id, RunState.FINISHED)
            said, _ = page.communicate(timeout=20)

    with session_scope(engine) as session:
        written = [row.sequences for row in measurements_after(session, run_id, -1)]
    assert json.loads(said) == {"state": "finished", "why": "", "places": written}
    assert len(written) == SOME + 2 * 5 * CUTS
