"""What waits for the recorder: in order, bounded, never lost."""

import threading
from time import monotonic

import numpy as np

from app.schemas.state import RunState
from worker.backlog import AT_ONCE, Backlog
from worker.entry import Ending, Entry, Snapshot


def entry(size: int = 0) -> Entry:
    return Entry(weights=Snapshot(0, 0.0, {"embed": np.zeros(size, np.uint8)}))


def test_entries_come_out_in_order_and_not_too_many_at_once():
    backlog = Backlog()
    entries = [entry() for _ in range(AT_ONCE + 1)]
    for one in entries:
        backlog.put(one)

    first, second = backlog.take(0), backlog.take(0)

    assert [*first, *second] == entries
    assert len(first) == AT_ONCE


def test_a_full_backlog_makes_its_writer_wait_until_something_is_taken():
    backlog = Backlog(most_bytes=10_000)
    first, second = entry(9000), entry(9000)
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

    assert backlog.put(entry(1000))


def test_a_writer_that_waits_is_turned_away_when_nobody_will_read():
    backlog = Backlog(most_bytes=10)
    backlog.put(entry(1000))
    answers: list[bool] = []
    writer = threading.Thread(target=lambda: answers.append(backlog.put(entry(1000))))
    writer.start()

    backlog.close()
    writer.join(5)

    assert answers == [False]


def test_rest_is_cut_short_by_an_ending():
    backlog = Backlog()
    backlog.put(Entry(ending=Ending(RunState.FINISHED)))

    begun = monotonic()
    backlog.rest(until=begun + 5)

    assert monotonic() - begun < 1
