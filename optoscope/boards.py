"""A board on a server: chosen figures with text between."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from optoscope.reading.answers import BoardFacts
from optoscope.wire.connection import Connection
from optoscope.wire.paging import pages

Blocks = Sequence[str | Mapping[str, Any]]


class BoardHandle:
    """A board on a server. `facts`: what the server said of it last."""

    def __init__(self, connection: Connection, facts: BoardFacts) -> None:
        self._connection, self.facts = connection, facts
        self._path = f"/boards/{facts.id}"

    @classmethod
    def every(cls, connection: Connection) -> list[Self]:
        """All boards, the last changed first."""
        found = pages(connection, "/boards", "boards", {})
        return [cls(connection, BoardFacts.model_validate(one)) for one in found]

    @property
    def id(self) -> str:
        """Ten letters and digits, for good."""
        return self.facts.id

    @property
    def title(self) -> str:
        """As it was called when the server was asked last."""
        return self.facts.title

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self._connection.url}/boards/{self.id}"

    def blocks(self) -> list[dict[str, Any]]:
        """What is on it, in order."""
        said = self._connection.get(self._path)
        self.facts = BoardFacts.model_validate(said)
        return list(said["blocks"])

    def change(self, *, title: str | None = None, blocks: Blocks | None = None) -> Self:
        """Changes what is given: all blocks, in order. Refused if somebody has changed the board
        since it was read last."""
        patch: dict[str, Any] = {"version": self.facts.version}
        if title is not None:
            patch["title"] = title
        if blocks is not None:
            patch["blocks"] = blocks_of(blocks)
        self.facts = BoardFacts.model_validate(self._connection.patch(self._path, patch))
        return self

    def delete(self) -> None:
        """Deletes it for good; the runs that it shows stay."""
        self._connection.delete(self._path)

    def report(self, to: str | Path) -> Path:
        """Writes it to a page that opens without a server."""
        return self._connection.save(f"{self._path}/report.html", Path(to))

    def __repr__(self) -> str:
        facts = self.facts
        return f"<Board {facts.id} {facts.title!r}: {facts.figures} figures, {facts.texts} texts>"


def blocks_of(blocks: Blocks) -> list[dict[str, Any]]:
    """Blocks as the API takes them: text is a block of text."""
    return [
        {"kind": "text", "markdown": one} if isinstance(one, str) else dict(one) for one in blocks
    ]
