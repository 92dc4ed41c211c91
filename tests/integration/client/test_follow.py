"""Following a run whose connection breaks: every point once, whatever broke when."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.schemas.state import RunState
from app.services.runs import deletion
from app.services.runs.lifecycle import move, run_or_error
from app.services.runs.outbox import transaction
from optoscope import Client, OptoscopeError, RunHandle
from optoscope.wire import event_stream
from tests.integration.support.proxy import CuttingProxy, cutting_proxy
from tests.integration.support.rows import change, moved, new_run, report
from tests.integration.support.wait import until


@dataclass
class Follower:
    """Somebody who follows a run, in a thread."""

    run: RunHandle
    after: int = -1
    patience: float = 60
    places: list[int] = field(default_factory=list)
    error: OptoscopeError | None = None

    def __enter__(self) -> "Follower":
        self._thread = threading.Thread(target=self._follow, name="follower")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(30)
        assert not self._thread.is_alive()

    def _follow(self) -> None:
        try:
            for point in self.run.follow(self.after, patience=self.patience):
                self.places.append(point.sequences)
        except OptoscopeError as error:
            self.error = error

    def has(self, *places: int) -> None:
        """Waits until exactly these have come."""
        until(lambda: len(self.places) >= len(places))
        assert self.places == [*places]


@pytest.fixture
def proxy(server) -> Iterator[CuttingProxy]:
    with cutting_proxy(httpx.URL(server.url).port) as proxy:
        yield proxy


@pytest.fixture
def run_id(engine, outbox) -> str:
    run_id = new_run(engine, outbox, name="Followed")
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    return run_id


@pytest.fixture
def run(proxy, run_id) -> Iterator[RunHandle]:
    with Client(f"http://127.0.0.1:{proxy.port}", token="") as lab:
        yield lab.run(run_id)


def test_a_follower_whose_connection_is_cut_misses_and_doubles_nothing(
    run, run_id, proxy, engine, outbox
):
    report(engine, outbox, run_id, 0, 32)
    with Follower(run) as follower:
        follower.has(0, 32)
        report(engine, outbox, run_id, 64)
        follower.has(0, 32, 64)

        proxy.cut()
        report(engine, outbox, run_id, 96, 128)
        follower.has(0, 32, 64, 96, 128)

        there, proxy.to = proxy.to, 1  # nobody answers there
        proxy.cut()
        report(engine, outbox, run_id, 160)
        until(lambda: proxy.connections == 0)
        proxy.to = there
        follower.has(0, 32, 64, 96, 128, 160)

        report(engine, outbox, run_id, 192)
        change(engine, run_id, sequences=192)
        moved(engine, outbox, run_id, RunState.FINISHED)
    assert follower.error is None
    assert follower.places == [0, 32, 64, 96, 128, 160, 192]
    assert (run.facts.state, run.facts.sequences) == ("finished", 192)


def test_what_lies_before_is_left_out_and_notes_of_any_text_are_read(run, run_id, engine, outbox):
    change(engine, run_id, notes="one\u2028two\u2029three\x85four")
    report(engine, outbox, run_id, 0, 32, 64)
    with Follower(run, after=32) as follower:
        follower.has(64)
        moved(engine, outbox, run_id, RunState.FINISHED)
    assert follower.places == [64]
    assert run.facts.notes == "one\u2028two\u2029three\x85four"


def test_who_waits_is_back_when_the_run_has_ended_or_the_time_is_over(
    run, run_id, proxy, engine, outbox
):
    report(engine, outbox, run_id, 0, 32)
    with pytest.raises(TimeoutError, match="has not ended"):
        run.wait(timeout=0)
    waited: list[Any] = []
    waiter = threading.Thread(target=lambda: waited.append(run.wait(timeout=30).facts.state))
    waiter.start()
    until(lambda: proxy.connections)
    proxy.cut()
    moved(engine, outbox, run_id, RunState.FINISHED)
    waiter.join(30)
    assert waited == ["finished"]


def test_a_server_that_stays_away_is_given_up(run, run_id, proxy, engine, outbox, monkeypatch):
    monkeypatch.setattr(event_stream, "FIRST_PAUSE", 0.01)
    report(engine, outbox, run_id, 0)
    with Follower(run, patience=0) as follower:
        follower.has(0)
        proxy.to = 1
        proxy.cut()
    assert follower.error is not None
    assert follower.error.status == 0


def test_a_run_that_is_deleted_while_it_is_followed_is_an_error(
    run, run_id, engine, outbox, server
):
    report(engine, outbox, run_id, 0)
    with Follower(run) as follower:
        follower.has(0)
        with transaction(engine, outbox) as session:
            move(session, run_or_error(session, run_id), RunState.FAILED)
            deletion.purge_runs(session, [run_id], server.services.disposal.store_url)
    assert follower.places == [0]
    assert follower.error is not None
    assert follower.error.status == 404
