"""Opaque cursors of lists: what the last row is sorted by, so that later rows shift nothing."""

import base64
import binascii
import json
from collections.abc import Sequence

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
