"""Values of a query as fields take them: numbers, and days and moments."""

import math
import re
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from app.schemas.query.errors import QueryError
from app.schemas.query.tree import QueryPiece
from app.schemas.words import written_out

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_GROUPED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_AGO = re.compile(r"-(\d{1,6})(min|h|d|w)", re.ASCII)
_UNITS = {
    "min": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
A_DAY = timedelta(days=1)
LONGEST_AGO = timedelta(days=100 * 365)


class TimeSpan(NamedTuple):
    """A day, or a moment: then both ends are the same. `end` itself is not in a day."""

    begin: datetime
    end: datetime


def read_number(piece: QueryPiece) -> float:
    """`1e-4`, `.1`, `150k`, `300,000`, `50%`; raises `QueryError` for anything else."""
    bare = piece.text.removesuffix("%")
    plain = written_out(bare) if "," not in bare or _GROUPED.fullmatch(bare) else bare
    number = float(plain) if _NUMBER.fullmatch(plain) else math.nan
    if not math.isfinite(number):
        raise QueryError(
            f"{piece.text!r} is no number; write for instance 0.1, 1e-4, 150k or 50%, and several "
            "after a colon: seed:5,6.",
            piece.offset,
            piece.length,
        )
    return number / 100 if piece.text.endswith("%") else number


def read_time(piece: QueryPiece, now: datetime) -> TimeSpan:
    """`2026-11-01` (a day of UTC), `2026-11-01T12:30`, `-7d`, `-12h`; else `QueryError`."""
    if ago := _AGO.fullmatch(piece.text):
        back = int(ago[1]) * _UNITS[ago[2]]
        if back <= LONGEST_AGO:
            return TimeSpan(now - back, now - back)
    try:
        return _span(piece.text)
    except (ValueError, OverflowError):
        raise QueryError(
            f"{piece.text!r} is no time; write a day, 2026-11-01, a moment, 2026-11-01T12:30 "
            "(UTC), or how long ago: -7d, -12h, -30min, -2w.",
            piece.offset,
            piece.length,
        ) from None


def _span(text: str) -> TimeSpan:
    if len(text) == len("2026-11-01"):
        day = datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)
        return TimeSpan(day, day + A_DAY)
    moment = datetime.fromisoformat(text)
    moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return TimeSpan(moment, moment)
