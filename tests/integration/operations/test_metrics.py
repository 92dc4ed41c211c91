"""What Prometheus reads of a server."""

import asyncio
import re

import httpx
import pytest

from app.config import Settings
from app.db.engine import session_scope
from app.db.models import Worker
from app.main import create_app
from app.schemas.state import RunState
from app.services.live import hub
from tests.integration.support.event_stream import EventStream
from tests.integration.support.rows import add, measurement, moved, new_run
from tests.integration.support.wait import until
from tests.integration.support.web_server import serving


def scraped(client: httpx.Client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_the_queue_runs_and_rows_are_counted(client, engine, outbox):
    before = scraped(client)
    waits, trains = new_run(engine, outbox), new_run(engine, outbox)
    moved(engine, outbox, trains, RunState.STARTING, RunState.RUNNING)
    add(engine, trains, *(measurement(place, loss=0.5) for place in (0, 32, 64)))
    assert waits

    def rows() -> float:
        now, name = scraped(client), "optoscope_measurements_total"
        return now[name] - before[name]

    found = scraped(client)
    assert found['optoscope_runs{state="queued"}'] == 1
    assert found['optoscope_runs{state="running"}'] == 1
    assert found['optoscope_runs{state="failed"}'] == 0
    assert found["optoscope_queue_depth"] == 1
    assert 0 < found["optoscope_queue_oldest_seconds"] < 60
    assert found["optoscope_database_up"] == 1
    assert found["optoscope_disk_free_bytes"] > 0
    assert found['optoscope_background_age_seconds{work="reaper"}'] < 30
    assert any(name.startswith("optoscope_build_info{") for name in found)
    engine.dispose()  # a connection that ends tells at once what it has counted
    until(lambda: rows() == 3)


def test_requests_are_timed_by_template_and_nobody_makes_labels(client, trained):
    client.get(f"/api/v1/runs/{trained}")
    client.get(f"/runs/{trained}")
    client.get("/runs/none")
    client.get("/static/css/site.css")
    for path in ("/one", "/two", "/api/v1/three"):
        client.get(path)
        client.request("HACK", path)

    text = client.get("/metrics").text

    counts = {line.partition(" ")[0] for line in text.splitlines() if "seconds_count{" in line}
    for method, route, status in (
        ("GET", "/api/v1/runs/{run_id}", "2xx"),
        ("GET", "/runs/{run_id}", "2xx"),
        ("GET", "/runs/{run_id}", "4xx"),
        ("GET", "/static/", "2xx"),
        ("GET", "none", "4xx"),
        ("other", "none", "4xx"),
    ):
        labels = f'method="{method}",route="{route}",status="{status}"'
        assert f"optoscope_request_seconds_count{{{labels}}}" in counts
    routes = set(re.findall(r'route="([^"]*)"', text))
    assert not {trained, "/one", "/two"} & {part for route in routes for part in route.split("/")}
    assert "HACK" not in text


def test_streams_are_counted_while_they_are_open(client, server, trained):
    with EventStream(f"{server.url}/api/v1/runs/{trained}/events"):
        until(lambda: scraped(client)["optoscope_stream_clients"] == 1)
    until(lambda: scraped(client)["optoscope_stream_clients"] == 0)


def test_a_stream_lags_from_the_first_news_that_it_has_not_taken():
    async def lags() -> list[float]:
        queue = hub.StreamQueue()
        found = [queue.lag]
        queue.reread()
        await asyncio.sleep(0.01)
        queue.reread()
        found.append(queue.lag)
        await queue.take(1)
        return [*found, queue.lag]

    before, behind, after = asyncio.run(lags())

    assert (before, after) == (0, 0)
    assert behind >= 0.01


@pytest.mark.parametrize("name", ["optoscope_stream_clients", "optoscope_database_up"])
def test_without_a_database_the_others_are_told(settings, name):
    nowhere = Settings(
        database_url="postgresql://nobody@127.0.0.1:1/none", redis_url=settings.redis_url
    )
    with serving(create_app(nowhere)) as server, httpx.Client(base_url=server.url) as client:
        assert scraped(client)[name] == 0


def test_workers_are_told_with_their_memory_and_disk(client, engine):
    described = {"host": "lab", "pid": 7, "device": "CPU", "cores": 2, "torch": "2", "memory": 8}
    with session_scope(engine) as session:
        for name, trouble, disk in (("able", "", 90), ("unable", "a full disk", None)):
            one = Worker(name=name, trouble=trouble, memory_free=5, disk=disk, disk_free=disk)
            session.add(one)
            for field, value in described.items():
                setattr(one, field, value)

    found = scraped(client)

    assert found['optoscope_worker_up{worker="able"}'] == 1
    assert found['optoscope_worker_up{worker="unable"}'] == 0
    assert found['optoscope_worker_memory_free_bytes{worker="able"}'] == 5
    assert found['optoscope_worker_disk_free_bytes{worker="able"}'] == 90
    assert 'optoscope_worker_disk_free_bytes{worker="unable"}' not in found
