"""What waits for the recorder: in order, bounded, never lost."""

import threading
from time import monotonic

import numpy as np

from app.schemas.state import RunState
from worker.recording.backlog import AT_ONCE, Backlog
from worker.recording.entries import Ending, Line, RecordEntry, Snapshot


def line(size: int = 0) -> Line:
    weights = Snapshot(0, 0.0, {"embed": np.zeros(size, np.uint8)})
    return Line("run", RecordEntry(weights=weights))


def test_lines_come_out_in_order_and_not_too_many_at_once():
    backlog = Backlog()
    lines = [line() for _ in range(AT_ONCE + 1)]
    for one in lines:
        backlog.put(one)

    first, second = backlog.take(0), backlog.take(0)

    assert [*first, *second] == lines
    assert len(first) == AT_ONCE


def test_a_full_backlog_makes_its_writer_wait_until_something_is_taken():
    backlog = Backlog(most_bytes=10_000)
    first, second = line(9000), line(9000)
    backlog.put(first)
    writer = threading.Thread(target=backlog.put, args=(second,))
    writer.start()
    writer.join(0.05)
    assert writer.is_alive()

    taken = [*backlog.take(5), *backlog.take(5)]
    writer.join(5)

    assert taken == [first, second]


def test_an_entry_larger_than_the_backlog_still_gets_through():
    backlog = Backlog(most_bytes=10)

    assert backlog.put(line(1000))


def test_a_writer_that_waits_is_turned_away_when_nobody_will_read():
    backlog = Backlog(most_bytes=10)
    backlog.put(line(1000))
    answers: list[bool] = []
    writer = threading.Thread(target=lambda: answers.append(backlog.put(line(1000))))
    writer.start()

    backlog.close()
    writer.join(5)

    assert answers == [False]


def test_rest_is_cut_short_by_an_ending():
    backlog = Backlog()
    backlog.put(Line("run", RecordEntry(ending=Ending(RunState.FINISHED))))

    begun = monotonic()
    backlog.rest(until=begun + 5)

    assert monotonic() - begun < 1
