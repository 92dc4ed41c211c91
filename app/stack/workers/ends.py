"""When `optoscope worker` ends by itself: when nothing was to do for long, or before a deadline."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

STOP_SECONDS = 30.0  # before the deadline; a worker has 20 to save and to give its runs back
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhd])+")


def seconds_of(text: str) -> float:
    """`90s`, `1h30m`. Raises `ValueError`."""
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{text!r} is no duration; write 60s, 10m, 3h or 1h30m")
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhd])", text)
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def moment_of(text: str, now: datetime) -> datetime:
    """A deadline: `3h` from now, `17:30` the next time it is that late, `2026-11-27T17:30`, or
    `@1764264600`, seconds since 1970 as Slurm says them. Raises `ValueError`."""
    try:
        if _DURATION.fullmatch(text):
            return now + timedelta(seconds=seconds_of(text))
        if text.startswith("@"):
            return datetime.fromtimestamp(int(text[1:]), tz=now.tzinfo)
        if clock := re.fullmatch(r"(\d{1,2}):(\d{2})", text):
            return _next(int(clock[1]), int(clock[2]), now)
        found = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise ValueError(
            f"{text!r} is no deadline; write 3h, 17:30, 2026-11-27T17:30 or @1764264600"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=now.tzinfo)


def _next(hour: int, minute: int, now: datetime) -> datetime:
    today = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return today if today > now else today + timedelta(days=1)


@dataclass
class Ends:
    """Why the workers should stop now, if they should. `is_busy`: None when nobody can tell."""

    is_busy: Callable[[], bool | None]
    idle_seconds: float | None  # of the command line; None: they wait for ever
    stop_at: float | None  # by the clock that `reason` is given
    _idle_since: float | None = field(default=None, init=False)

    def reason(self, now: float) -> str:
        """A sentence, or nothing. Asked every few moments."""
        if self.stop_at is not None and now >= self.stop_at:
            return "The deadline is near: runs in training are given back."
        if self.idle_seconds is None:
            return ""
        # Whoever cannot tell does not count the time: an absent database is no lack of work.
        if self._idle_since is None or self.is_busy() is not False:
            self._idle_since = now
        is_over = now - self._idle_since >= self.idle_seconds
        return f"Nothing was to do for {self.idle_seconds:.0f} s." if is_over else ""
