"""Queues are bounded and say when something is missing; shared reads are never too old."""

import asyncio
import math
import threading

import pytest
from pydantic import ValidationError

from app.schemas.api.events import FrameMessage, MeasurementMessage, RunMessage
from app.schemas.measure import Measurement
from app.services.live.events import RunNews, news_from
from app.services.live.hub import QUEUE_SIZE, StreamQueue
from app.services.live.reads import SharedReads
from app.services.runs.outbox import broker_url, client_url


def test_a_full_queue_says_that_something_is_missing_and_keeps_nothing():
    async def take():
        queue = StreamQueue()
        for number in range(QUEUE_SIZE + 5):
            queue.put(RunNews(sequences=number))
        first = await queue.take(1)
        queue.put(RunNews(sequences=1000))
        return first, await queue.take(1)

    first, second = asyncio.run(take())

    assert (first.news, first.reread) == ((), True)
    assert ([news.sequences for news in second.news], second.reread) == ([1000], False)


def test_a_queue_without_news_is_empty_after_a_while():
    async def take():
        return await StreamQueue().take(0.01)

    assert asyncio.run(take()) == type(asyncio.run(take()))()


def test_a_closed_queue_stays_closed_and_lets_nobody_wait():
    async def take():
        queue = StreamQueue()
        queue.close()
        await queue.rest(60)
        return await queue.take(60), await queue.take(0)

    first, second = asyncio.run(take())

    assert first.closed
    assert second.closed


class CountedReads(SharedReads):
    """Shared reads whose answers are counted, and wait for `gate`."""

    def __init__(self) -> None:
        self._under_way = {}
        self.asked = 0
        self.gate = threading.Event()

    def _ask(self, question, run_id, *details):
        self.asked += 1
        answer = self.asked
        self.gate.wait(5)
        if question is None:
            raise ValueError("no question")
        return answer


def test_equal_reads_at_the_same_time_are_one():
    async def read():
        reads = CountedReads()
        tasks = [asyncio.create_task(reads.read(len, "run", 1)) for _ in range(3)]
        other = asyncio.create_task(reads.read(len, "run", 2))
        await asyncio.sleep(0)
        reads.gate.set()
        return await asyncio.gather(*tasks), await other, reads

    same, other, reads = asyncio.run(read())

    assert set(same) != {other}
    assert len(set(same)) == 1
    assert reads.asked == 2
    assert reads._under_way == {}


def test_a_read_that_began_before_news_is_not_shared_with_who_asks_after():
    async def read():
        reads = CountedReads()
        before = asyncio.create_task(reads.read(len, "run"))
        await asyncio.sleep(0)
        reads.outdated("run")
        after = asyncio.create_task(reads.read(len, "run"))
        await asyncio.sleep(0)
        reads.gate.set()
        return await before, await after, reads

    before, after, reads = asyncio.run(read())

    assert before != after
    assert reads._under_way == {}


def test_a_read_that_fails_fails_for_everyone_who_waited():
    async def read():
        reads = CountedReads()
        reads.gate.set()
        return await asyncio.gather(
            *(reads.read(None, "run") for _ in range(2)), return_exceptions=True
        )

    assert [str(error) for error in asyncio.run(read())] == ["no question"] * 2


def _measurement(loss: float) -> Measurement:
    numbers = (0.5,) * 4
    return Measurement(
        sequences=32,
        elapsed_seconds=1.0,
        loss=(loss,) * 4,
        accuracy=numbers,
        in_context_accuracy=numbers,
        correct_probability=numbers,
        context_probability=numbers,
        induction_strength=((0.1,),),
        previous_token_strength=((0.1,),),
    )


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf, 0.1, 5e-324])
def test_measurements_travel_through_redis_unchanged(loss):
    sent = MeasurementMessage(previous=0, computed_at="x", measurement=_measurement(loss))

    got = MeasurementMessage.model_validate_json(sent.model_dump_json())

    assert repr(got) == repr(sent)


def test_news_know_their_place():
    payload = MeasurementMessage(previous=None, computed_at="x", measurement=_measurement(0.1))
    measurement = news_from(payload.model_dump_json().encode())
    frame = news_from(FrameMessage(sequences=64).model_dump_json().encode())
    run = news_from(RunMessage().model_dump_json().encode())

    assert (measurement.previous, measurement.sequences) == (-1, 32)
    assert measurement.event.startswith(b"event: measurement\n")
    assert frame.event == b'event: frame\ndata: {"sequences":64}\n\n'
    assert (run.event, run.is_measurement, run.is_frame) == (b"", False, False)
    with pytest.raises(ValidationError):
        news_from(b'{"kind": "measurement"}')


def test_socket_addresses_are_spelled_for_celery_and_for_redis():
    assert broker_url("unix:///a/b.sock?db=1") == "redis+socket:///a/b.sock?db=1"
    assert client_url("redis+socket:///a/b.sock") == "unix:///a/b.sock"
    assert broker_url("redis://h:1/0") == client_url("redis://h:1/0") == "redis://h:1/0"
