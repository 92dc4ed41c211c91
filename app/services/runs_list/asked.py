"""What the page of runs says of the query: examples, or what is wrong with it, and where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.errors import InvalidQuery
from app.services.runs_list.view import ListView

AROUND = 40  # characters that are shown before and after those that are wrong
LONGEST_WRONG = 60

# Five, with what they mean.
_EXAMPLES = (
    ("state:finished min(loss.new_classes) < .1", "have ended, and were good at new classes"),
    ("learning_rate < 1e-4 or clamp:driven", "learn slowly, or have a pattern fixed"),
    ("created > -7d not state:cancelled", "are of the last seven days, and not cancelled"),
    ('midpoint > 200k name~"seed"', "turned late, and have “seed” in the name"),
    ("at(loss.train, 100k) < .5 heads:4,8", "were below 0.5 nats after 100,000 sequences"),
)


@dataclass(frozen=True)
class QueryExample:
    """A query, what runs it finds, and the list of these."""

    text: str
    words: str
    url: str


@dataclass(frozen=True)
class WrongQuery:
    """A query that cannot be read, cut around the characters that are wrong."""

    before: str
    wrong: str  # empty: something is missing here
    after: str
    message: str
    meant: str  # the query as it was probably meant; empty: nobody can say
    meant_url: str


@dataclass(frozen=True)
class AskedPart:
    """Context of the block below the search field."""

    wrong: WrongQuery | None
    examples: Sequence[QueryExample]


def asked_part(view: ListView, error: InvalidQuery | None = None) -> AskedPart:
    """`error`: what is wrong with the view's query."""
    return AskedPart(None if error is None else _wrong(view, error), examples())


def examples() -> list[QueryExample]:
    """Queries to begin with."""
    return [QueryExample(text, words, _asking(ListView(), text)) for text, words in _EXAMPLES]


def _asking(view: ListView, text: str) -> str:
    return view.filtered(replace(view.wanted, words=text)).url


def _wrong(view: ListView, error: InvalidQuery) -> WrongQuery:
    begin, end = error.offset, error.offset + error.length
    before, wrong, after = error.query[:begin], error.query[begin:end], error.query[end:]
    meant = f"{before}{error.suggestion}{after}" if error.suggestion else ""
    return WrongQuery(
        before=before if len(before) <= AROUND else f"…{before[-AROUND:]}",
        wrong=_cut(wrong, LONGEST_WRONG),
        after=_cut(after, AROUND),
        message=str(error.detail),
        meant=meant,
        meant_url=_asking(view, meant) if meant else "",
    )


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}…"
