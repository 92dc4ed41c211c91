"""Downloads that can be taken up again: `Range`, `If-Range`, `ETag` (RFC 9110, 13 and 14)."""

import re
from dataclasses import dataclass

from starlette.datastructures import Headers

from app.errors import NotInRange

_ONE_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class FileRange:
    """A part of a file."""

    start: int
    size: int
    of: int

    @property
    def headers(self) -> dict[str, str]:
        return {"Content-Range": f"bytes {self.start}-{self.start + self.size - 1}/{self.of}"}


def has(headers: Headers, etag: str) -> bool:
    """Whether who asks has this very file."""
    return etag in {one.strip() for one in headers.get("if-none-match", "").split(",")}


def asked_range(headers: Headers, etag: str, size: int) -> FileRange | None:
    """The part that is asked for; None: all of it. Raises `NotInRange`."""
    found = _ONE_RANGE.fullmatch(headers.get("range", "").strip())
    # Several parts at once may be answered by the whole, as may what is no range.
    if found is None or not any(found.groups()) or headers.get("if-range", etag) != etag:
        return None
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        raise NotInRange(f"The file has {size} bytes; the part begins at {start}.")
    return FileRange(start, end - start, size)
