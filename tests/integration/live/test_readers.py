"""Clients that read slowly, or not at all: no row is lost by it, and no memory."""

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from app.db.engine import session_scope
from app.db.series import measurements_after
from app.main import create_app
from app.schemas.state import RunState
from app.services.live.hub import QUEUE_SIZE
from app.stack.web import cut_stalled
from tests.integration.support.rows import add, measurement, moved, new_run, report
from tests.integration.support.wait import until
from tests.integration.support.web_server import WebServer, serving

SMALL_BUFFER = 4096  # bytes, of which systems make somewhat more
MANY = 600  # measurements: more than all buffers hold
STALLED = 1.0


@pytest.fixture
def run_id(engine, outbox) -> str:
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    return run_id


@contextmanager
def narrow_server(settings, stalled_seconds: float) -> Iterator[WebServer]:
    """A server whose system holds little back, so that a client that does not read is felt."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        cut_stalled(listener, stalled_seconds)
        with serving(create_app(settings), listener=listener) as server:
            yield server


@contextmanager
def asking(server: WebServer, run_id: str) -> Iterator[socket.socket]:
    """A client that has asked for the stream of a run, and reads when the test does."""
    to = urlsplit(server.url)
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        client.settimeout(10)
        client.connect((to.hostname, to.port))
        # Of the older version, whose bodies are not cut in chunks.
        asked = f"GET /api/v1/runs/{run_id}/events HTTP/1.0\r\nHost: {to.netloc}\r\n\r\n"
        client.sendall(asked.encode())
        yield client


def places(read: bytes) -> list[int]:
    found = []
    for name, data in re.findall(rb"event: (measurements?)\ndata: (.*)\n", read):
        several = json.loads(data) if name == b"measurements" else [json.loads(data)]
        found += [one["sequences"] for one in several]
    return found


def everything(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_a_reader_that_falls_behind_ends_with_the_series_of_the_database(
    settings, engine, outbox, run_id
):
    add(engine, run_id, *(measurement(32 * n) for n in range(MANY)))
    with narrow_server(settings, 60) as server, asking(server, run_id) as client:
        queues = server.services.hub._queues[run_id]
        until(lambda: len(queues) == 1)
        [queue] = queues
        # It does not read, so that its news are more than it may have.
        report(engine, outbox, run_id, *(32 * (MANY + n) for n in range(QUEUE_SIZE + 10)))
        until(lambda: queue._reread and not queue._news)
        moved(engine, outbox, run_id, RunState.FINISHED)
        read = everything(client)

    with session_scope(engine) as session:
        written = [row.sequences for row in measurements_after(session, run_id, -1)]
    assert places(read) == written
    assert len(written) == MANY + QUEUE_SIZE + 10
    assert b"event: done\n" in read


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="this system cuts nobody")
def test_a_reader_that_takes_nothing_is_cut(settings, engine, run_id):
    add(engine, run_id, *(measurement(32 * n) for n in range(MANY)))
    with narrow_server(settings, STALLED) as server, asking(server, run_id):
        until(lambda: server.services.hub._queues.get(run_id))
        until(lambda: not server.services.hub._queues.get(run_id))
