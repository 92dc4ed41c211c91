"""Opaque cursors of lists: what the last row is sorted by, so that later rows shift nothing."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import datetime

from app.errors import Invalid
from app.schemas.text import flaw


def write_cursor(parts: Sequence[str]) -> str:
    """The parts as one word that fits into a URL."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> list[str]:
    """The parts of a cursor; none if it is none."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError, UnicodeDecodeError, RecursionError):
        return []
    is_list = isinstance(parts, list) and all(
        isinstance(part, str) and not flaw(part) for part in parts
    )
    return parts if is_list else []


def read_moment(cursor: str, of: str) -> tuple[datetime, str]:
    """The moment and the id of the cursor of a list by time; `Invalid` if it is none of it."""
    try:
        moment, last_id = read_cursor(cursor)
        return datetime.fromisoformat(moment), last_id
    except ValueError:
        message = (
            f"This is not a cursor of the list of {of}; pass `next_cursor` of the page before."
        )
        raise Invalid(message, loc="query/cursor") from None
