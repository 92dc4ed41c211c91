"""When a stream of several runs says that nothing will come any more."""

import asyncio

import pytest

from app.services.live import events, follow_many


def _streamed(monkeypatch, followers) -> list[bytes]:
    """What a stream of these runs sends; each follower is what it sends and whether its run has
    ended, or an error."""

    class Follower:
        def __init__(self, hub, run_id, after):
            self.sent, self.has_told_all = followers[run_id]

        async def stream(self):
            for event in self.sent:
                if isinstance(event, Exception):
                    raise event
                yield event

    monkeypatch.setattr(follow_many, "Follower", Follower)

    async def read():
        return [one async for one in follow_many.follow_many(None, dict.fromkeys(followers, -1))]

    return asyncio.run(read())


ENDED = ([events.done_event("finished")], True)


def test_it_is_done_when_all_runs_have_ended(monkeypatch):
    sent = _streamed(monkeypatch, {"a": ENDED, "b": ENDED})

    assert sent[-1] == events.done_event("ended")


def test_a_server_that_stops_does_not_say_so_and_browsers_come_back(monkeypatch):
    sent = _streamed(monkeypatch, {"a": ENDED, "b": ([events.PING], False)})

    assert events.done_event("ended") not in sent


def test_what_fails_in_one_fails_the_stream_at_once(monkeypatch):
    with pytest.raises(ZeroDivisionError):
        _streamed(monkeypatch, {"a": ([ZeroDivisionError()], False), "b": ENDED})
