"""Tables and the like, as Markdown."""

from collections.abc import Iterable, Sequence


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; an empty string if it has no rows."""
    lines = [_row(row) for row in rows]
    return "\n".join([_row(heads), _row(["---"] * len(heads)), *lines]) if lines else ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(map(cell, cells))} |"


def cell(text: str) -> str:
    """In one line; a bar would end it, even in code."""
    return " ".join(text.split()).replace("|", "\\|")


def code(value: object) -> str:
    """As code, if there is anything."""
    return f"`{value}`" if str(value) else ""


def plain(text: str) -> str:
    """Text that holds no markup, such as a formula: every character stands for itself."""
    return "".join(f"\\{sign}" if sign in "\\*_[]<>`|$#" else sign for sign in text)
