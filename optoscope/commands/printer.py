"""What commands write: tables, JSON, and a bar while something is under way."""

import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

BAR = 24  # characters


class Printer:
    """Writes to stdout what was asked for, to stderr what is only for the one who waits."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json
        self._has_bar = False

    def rows(self, rows: Sequence[Mapping[str, Any]], facts: Sequence[BaseModel]) -> None:
        """A table, its head in capitals; for programs what the API said of each."""
        if self.as_json:
            self.document([one.model_dump(mode="json") for one in facts])
            return
        for line in aligned(rows):
            self.line(line)

    def one(self, rows: Mapping[str, Any], facts: BaseModel) -> None:
        """One thing, a line for each that is said of it."""
        if self.as_json:
            self.document(facts.model_dump(mode="json"))
            return
        width = max(map(len, rows))
        for name, value in rows.items():
            self.line(f"{name:<{width}}  {value}")

    def document(self, content: Any) -> None:
        """JSON, indented."""
        self.line(json.dumps(content, indent=2, ensure_ascii=False))

    def line(self, text: str) -> None:
        """A line, seen at once: what reads it may be waiting."""
        self.clear()
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """For the one who reads, not for what reads; nothing with JSON."""
        if not self.as_json:
            sys.stderr.write(f"{text}\n")

    def bar(self, share: float, text: str) -> None:
        """How far something is, on the line that a terminal's cursor stands on; else nothing."""
        if not sys.stderr.isatty() or self.as_json:
            return
        done = round(BAR * share)
        line = f"[{'#' * done}{'.' * (BAR - done)}] {share:4.0%}  {text}"
        # Not to the last column, where terminals begin a new line.
        sys.stderr.write(f"\r\033[K{line[: shutil.get_terminal_size().columns - 1]}")
        sys.stderr.flush()
        self._has_bar = True

    def clear(self) -> None:
        """Takes the bar down."""
        if self._has_bar:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
            self._has_bar = False


def aligned(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Lines of a table whose columns stand below each other; numbers are flush right."""
    if not rows:
        return ["none"]
    names = list(rows[0])
    cells = [
        [name.upper() for name in names],
        *([str(row[name]) for name in names] for row in rows),
    ]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [all(_is_number(row[name]) for row in rows) for name in names]
    return [
        "  ".join(_padded(*one) for one in zip(line, widths, right, strict=True)).rstrip()
        for line in cells
    ]


def _padded(text: str, width: int, is_right: bool) -> str:
    return text.rjust(width) if is_right else text.ljust(width)


def _is_number(cell: object) -> bool:
    return str(cell).replace(",", "").replace(".", "").replace("–", "0").strip("% -").isdecimal()
