"""How often requests may come: of those who are let in, and of those who guess."""

import time
from http import HTTPStatus

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.requests import Request
from starlette.responses import Response

from app.routes.problems import problem

# Far above what pages and notebooks ask for; of guesses of a token, enough for a slip of the hand.
REQUESTS = RateLimitItemPerMinute(6000)
GUESSES = RateLimitItemPerMinute(20)


class Rates:
    """Counts requests in this process, each by a name of its sender."""

    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def hit(self, request: Request, limit: RateLimitItem, who: str) -> Response | None:
        """Counts one; what to answer when that is one too many."""
        return None if self._limiter.hit(limit, who) else self._refusal(request, limit, who)

    def look(self, request: Request, limit: RateLimitItem, who: str) -> Response | None:
        """What to answer when one more would be too many; counts nothing."""
        return None if self._limiter.test(limit, who) else self._refusal(request, limit, who)

    def _refusal(self, request: Request, limit: RateLimitItem, who: str) -> Response:
        resets_at = self._limiter.get_window_stats(limit, who).reset_time
        seconds = max(1, round(resets_at - time.time()))
        detail = f"More than {limit.amount} requests came from here within a minute; wait a while."
        status = HTTPStatus.TOO_MANY_REQUESTS
        headers = {"Retry-After": str(seconds)}
        return problem(request, status, status.phrase, detail, headers=headers)
