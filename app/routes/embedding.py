"""One card of a run's page in a frame of another site: of those that the settings name.

`/runs/ID?embed=1`, or `embed=attention` and so on. What is in a frame is the page itself, which can
do all that the page can: only sites that are trusted with that are named.
"""

import re
from urllib.parse import parse_qsl

from starlette.types import Scope

from app.errors import Invalid

QUERY = "embed"
CARDS = ("loss", "strengths", "circuit", "attention")
_RUN = re.compile(r"/runs/[^/]+")


def card_of(value: str | None) -> str:
    """Which card a query asks for; empty for the whole page. Raises `Invalid`."""
    if value is None:
        return ""
    if value == "1":
        return CARDS[0]
    if value not in CARDS:
        there_are = ", ".join(CARDS)
        raise Invalid(f"There is no card {value!r}; there are {there_are}.", loc=f"query/{QUERY}")
    return value


def is_card(scope: Scope) -> bool:
    """Whether a request is for one card, which may be in a frame."""
    if scope["method"] not in ("GET", "HEAD") or not _RUN.fullmatch(scope["path"]):
        return False
    query = scope["query_string"].decode("latin-1")
    return any(name == QUERY for name, _ in parse_qsl(query, keep_blank_values=True))
