"""What is wrong with a query, and where."""

from collections.abc import Iterable
from difflib import get_close_matches


class QueryError(ValueError):
    """Why a text is no query.

    `offset` and `length`: which characters of the text that is about; a length of 0 is a place
    where something is missing. `suggestion`: what was probably meant; empty if nobody can say.
    """

    def __init__(self, message: str, offset: int, length: int = 0, suggestion: str = "") -> None:
        meant = f" Did you mean {suggestion}?" if suggestion else ""
        super().__init__(message + meant)
        self.offset = offset
        self.length = length
        self.suggestion = suggestion


def nearest(name: str, known: Iterable[str]) -> str:
    """The one of the known names that is most like this one; empty if none is."""
    spelt = {one.lower(): one for one in known}
    found = get_close_matches(name.lower(), spelt, n=1, cutoff=0.6)
    return spelt[found[0]] if found else ""
