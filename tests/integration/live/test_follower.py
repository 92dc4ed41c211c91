"""What one stream sends when reads and news cross each other, at chosen places."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.db.engine import session_scope
from app.schemas.api.events import Message, RunMessage, channel
from app.schemas.state import RunState
from app.services.live import follower
from app.services.live.events import PING
from app.services.live.follower import Follower, read_batch, read_snapshot
from app.services.live.hub import Hub
from tests.integration.support.rows import (
    add,
    add_frame,
    measurement,
    message,
    moved,
    new_run,
)


@pytest.fixture
def run_id(engine, outbox) -> str:
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    return run_id


@pytest.fixture
def hub(engine, settings) -> Hub:
    """One that listens to nobody: tests deliver the news, or do not."""
    return Hub(engine, settings.redis_url)


def _deliver(hub: Hub, run_id: str, news: Message) -> None:
    hub.deliver(channel(run_id), news.model_dump_json().encode())


def _is(name: str) -> Callable[[bytes], bool]:
    return lambda event: event.startswith(f"event: {name}\n".encode())


def _says_it_is(state: RunState) -> Callable[[bytes], bool]:
    return lambda event: _is("run")(event) and f'"state":"{state}"'.encode() in event


async def _until(stream: AsyncIterator[bytes], wanted: Callable[[bytes], bool]) -> list[bytes]:
    """All events up to the wanted one."""
    events = []
    async with asyncio.timeout(10):
        async for event in stream:
            events.append(event)
            if wanted(event):
                return events
    raise AssertionError(f"the stream ended without it: {events}")


async def _waits_for_news(one: Follower) -> None:
    async with asyncio.timeout(10):
        while one._behind or one._stale:
            await asyncio.sleep(0)


async def _knows_of_the_end(one: Follower) -> None:
    async with asyncio.timeout(10):
        while not one._ended:
            await asyncio.sleep(0)


def test_done_is_not_said_after_a_read_that_began_before_the_end(
    hub, engine, outbox, run_id, monkeypatch
):
    add(engine, run_id, measurement(0))
    has_read, may_answer = threading.Event(), threading.Event()

    def slow_once(session: Session, *asked):
        found = read_batch(session, *asked)
        if not has_read.is_set():
            has_read.set()
            assert may_answer.wait(10)
        return found

    monkeypatch.setattr(follower, "read_batch", slow_once)

    async def watch() -> list[bytes]:
        # Of another reader, who asks for the same place.
        older = asyncio.create_task(hub.reads.read(slow_once, run_id, 0))
        await asyncio.to_thread(has_read.wait, 10)
        add(engine, run_id, measurement(32))
        await asyncio.to_thread(moved, engine, outbox, run_id, RunState.FINISHED)
        one = Follower(hub, run_id, 0)
        following = asyncio.create_task(_until(one.stream(), _is("done")))
        await _knows_of_the_end(one)
        await asyncio.sleep(0)  # by now it has asked for what is left
        may_answer.set()
        await older
        return await following

    sent = asyncio.run(watch())
    assert any(_is("measurement")(event) and b'"sequences":32' in event for event in sent)


@pytest.mark.parametrize("rest", [(RunState.FINISHED,), (RunState.PAUSING, RunState.PAUSED)])
def test_that_a_run_rests_is_said_after_its_last_measurements(hub, engine, outbox, run_id, rest):
    add(engine, run_id, measurement(0))

    async def watch() -> list[bytes]:
        one = Follower(hub, run_id, 0)
        stream = one.stream()
        following = asyncio.create_task(_until(stream, _says_it_is(rest[-1])))
        await _waits_for_news(one)
        add(engine, run_id, measurement(32))
        await asyncio.to_thread(moved, engine, outbox, run_id, *rest)
        _deliver(hub, run_id, RunMessage())
        return await following

    sent = asyncio.run(watch())
    assert _is("measurement")(sent[-2]), "a page takes what it has then for all there is"


def test_a_frame_whose_news_were_lost_is_told_though_a_later_one_was(hub, engine, outbox, run_id):
    async def watch() -> list[bytes]:
        one = Follower(hub, run_id, -1)
        stream = one.stream()
        following = asyncio.create_task(_until(stream, _is("frame")))
        await _waits_for_news(one)
        add_frame(engine, outbox, run_id, 32)
        later = add_frame(engine, outbox, run_id, 64)
        _deliver(hub, run_id, later)
        seen = await following
        hub.everyone_rereads()
        return seen + await _until(stream, _is("frame"))

    sent = asyncio.run(watch())
    frames = [event for event in sent if _is("frame")(event)]
    assert [b'"sequences":64' in frames[0], b'"sequences":32' in frames[1]] == [True, True]


def test_what_was_told_is_sent_though_the_database_fails_at_that_moment(
    hub, engine, run_id, monkeypatch
):
    monkeypatch.setattr(follower, "RETRY_SECONDS", 0)
    monkeypatch.setattr(follower, "SNAPSHOT_SECONDS", 0)
    failures = []

    def fails_once(session: Session, asked: str):
        if not failures:
            failures.append(asked)
            raise OperationalError("SELECT", {}, Exception("the connection is gone"))
        return read_snapshot(session, asked)

    async def watch() -> list[bytes]:
        one = Follower(hub, run_id, -1)
        idle = asyncio.create_task(_until(one.stream(), PING.__eq__))
        await _waits_for_news(one)
        add(engine, run_id, measurement(0))
        monkeypatch.setattr(follower, "read_snapshot", fails_once)
        _deliver(hub, run_id, message(measurement(0), None))
        return await idle

    sent = asyncio.run(watch())
    assert [event for event in sent if _is("measurement")(event)], sent
    with session_scope(engine) as session:
        assert read_batch(session, run_id, -1).last == 0


def test_streams_that_read_the_same_are_sent_the_same_bytes_and_no_copies(hub, engine, run_id):
    add(engine, run_id, measurement(0), measurement(32))

    async def watch() -> list[list[bytes]]:
        streams = [Follower(hub, run_id, -1).stream() for _ in range(2)]
        return await asyncio.gather(*(_until(one, _is("measurements")) for one in streams))

    one, other = asyncio.run(watch())
    assert [mine is theirs for mine, theirs in zip(one, other, strict=True)] == [True] * 3
