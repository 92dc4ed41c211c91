"""What a page of runs shows, as its address says it: filters, sort and columns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode
from zlib import crc32

from app.errors import Invalid
from app.schemas.query.errors import QueryError
from app.schemas.query.parser import parse
from app.schemas.query.tree import names_in
from app.schemas.state import RunState
from app.services.runs_list.columns import USUAL, chosen_columns, column_or_error
from app.services.runs_list.grouping import grouping_or_error
from app.services.runs_list.listing import NEWEST, CursorRange, Filter

COLUMNS_COOKIE = "optoscope-columns"  # what a browser chose last
COOKIE_SEPARATOR = "-"  # commas would be escaped
USUAL_WORD = "usual"  # in an address, instead of names of columns


@dataclass(frozen=True)
class ListView:
    """What is filtered, how it is sorted, and which columns are shown."""

    wanted: Filter = field(default_factory=lambda: Filter(shelved=False, pinned_first=True))
    columns: Sequence[str] = USUAL

    @property
    def url(self) -> str:
        """The address of this view, without what is as usual."""
        return self.address()

    def address(self, span: CursorRange | None = None, path: str = "/runs") -> str:
        """The same for a part of the list."""
        parts = [*_parts(self.wanted), *_columns_part(self.columns)]
        if span is not None:
            parts += [(name, of) for name, of in _ends(span) if of]
        return f"{path}?{urlencode(parts)}" if parts else path

    def rows_id(self, cursor: str | None = None) -> str:
        """The element of a part of it. Of its own for every view: what comes late for another
        finds no place to go."""
        return f"rows-{crc32(self.address(CursorRange(cursor)).encode()):08x}"

    def filtered(self, wanted: Filter) -> "ListView":
        """The same columns of other runs."""
        return replace(self, wanted=wanted)


def read_view(query: Sequence[tuple[str, str]], remembered: str | None = None) -> ListView:
    """The view that an address describes; what is empty is not filtered by.

    `remembered`: the columns that the browser chose last, for addresses that say none.
    """

    def every(name: str) -> list[str]:
        return [value for key, value in query if key == name and value]

    def last(name: str) -> str:
        return next(reversed(every(name)), "")

    sort = last("sort") or NEWEST
    column_or_error(sort.removeprefix("-"), "query/sort")
    group = last("group")
    if group:
        grouping_or_error(group)
    wanted = Filter(
        states=[_state(value) for value in every("state")],
        tags=every("tag"),
        words=last("q").strip(),
        study=last("study") or None,
        datasets=every("dataset"),
        clamps=every("clamp"),
        sort=sort,
        deleted=(deleted := last("deleted") == "1"),
        shelved=None if deleted else _shelved(last("shelved"), last("q")),
        pinned_first=True,
        group=group,
        within=last("within") if group and last("within") else None,
    )
    names = _names(every("columns"))
    if names is None and remembered is not None:
        names = _remembered(remembered)
    return ListView(wanted, USUAL if names is None else names)


def _shelved(said: str, words: str) -> bool | None:
    """What is shelved is out of the list, unless it is asked for, here or in the query."""
    if said == "1":
        return True
    try:
        asked = names_in(parse(words))
    except QueryError:
        return False  # it is said of the query
    return None if "shelved" in map(str.lower, asked) else False


def _state(value: str) -> RunState:
    try:
        return RunState(value)
    except ValueError:
        known = ", ".join(RunState)
        raise Invalid(
            f"There is no state {value!r}; write one of {known}.", loc="query/state"
        ) from None


def _names(values: Iterable[str]) -> Sequence[str] | None:
    """Names of columns, given one by one or with commas; None if there are none."""
    names = [name for value in values for name in value.split(",") if name]
    if USUAL_WORD in names:
        return USUAL
    found = tuple(column.id for column in chosen_columns(names, "query/columns"))
    return found if names else None


def _remembered(cookie: str) -> Sequence[str] | None:
    """What a cookie holds, which may be of an older version of this program."""
    try:
        return _names(cookie.split(COOKIE_SEPARATOR))
    except Invalid:
        return None


def _parts(wanted: Filter) -> list[tuple[str, str]]:
    parts = [("q", wanted.words)] if wanted.words else []
    parts += [("state", state.value) for state in wanted.states]
    parts += [("tag", tag) for tag in wanted.tags]
    parts += [("dataset", dataset) for dataset in wanted.datasets]
    parts += [("clamp", clamp) for clamp in wanted.clamps]
    parts += [("study", wanted.study)] if wanted.study else []
    parts += [("deleted", "1")] if wanted.deleted else []
    parts += [("shelved", "1")] if wanted.shelved else []
    parts += [("group", wanted.group)] if wanted.group else []
    parts += [("within", wanted.within)] if wanted.within is not None else []
    return parts + ([("sort", wanted.sort)] if wanted.sort != NEWEST else [])


def _columns_part(columns: Sequence[str]) -> list[tuple[str, str]]:
    return [] if tuple(columns) == USUAL else [("columns", ",".join(columns))]


def _ends(span: CursorRange) -> list[tuple[str, str | None]]:
    return [("cursor", span.cursor), ("until", span.until)]
