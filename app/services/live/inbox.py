"""What one open stream has not yet seen."""

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from app.services.live.events import RunNews

INBOX_SIZE = 200  # news; a reader that is further behind reads the database


@dataclass(frozen=True, slots=True)
class Delivery:
    """What an inbox held: news, and whether some are missing or the stream must end."""

    news: tuple[RunNews, ...] = ()
    reread: bool = False
    closed: bool = False


class Inbox:
    """What one stream has not yet seen; never more than `INBOX_SIZE` news."""

    def __init__(self) -> None:
        self._news: deque[RunNews] = deque()
        self._reread = False
        self._something = asyncio.Event()
        self._over = asyncio.Event()

    def put(self, news: RunNews) -> None:
        if self._reread:
            return  # what is read from the database will include it
        if len(self._news) >= INBOX_SIZE:
            self.reread()
            return
        self._news.append(news)
        self._something.set()

    def reread(self) -> None:
        """Something may be missing."""
        self._news.clear()
        self._reread = True
        self._something.set()

    def close(self) -> None:
        """The stream must end."""
        self._over.set()
        self._something.set()

    async def rest(self, seconds: float) -> None:
        """Waits so long, unless the stream must end before."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), seconds)

    async def take(self, seconds: float) -> Delivery:
        """All there is, as soon as there is something; nothing after so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._something.wait(), seconds)
        self._something.clear()
        delivery = Delivery(tuple(self._news), self._reread, self._over.is_set())
        self._news.clear()
        self._reread = False
        return delivery
