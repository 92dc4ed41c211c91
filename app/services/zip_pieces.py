"""Zip files that are sent while they are made."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import RawIOBase
from typing import IO, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from typing_extensions import Buffer


@dataclass(frozen=True)
class ZipMember:
    """A file within a zip file; `is_packed`: it is worth the time to make it smaller."""

    name: str
    content: Iterable[bytes]
    is_packed: bool = True


def zip_pieces(members: Iterable[ZipMember]) -> Iterator[bytes]:
    """The zip file, piece by piece: no more of it is held than a piece of a member."""
    sink = _Sink()
    with ZipFile(cast(IO[bytes], sink), "w") as archive:
        for member in members:
            for _ in _written(archive, member):
                yield from sink.taken()
    yield from sink.taken()


def _written(archive: ZipFile, member: ZipMember) -> Iterator[None]:
    # The date of all is zip's first day: equal contents make equal files.
    info = ZipInfo(member.name)
    info.compress_type = ZIP_DEFLATED if member.is_packed else ZIP_STORED
    info.external_attr = 0o644 << 16
    with archive.open(info, "w", force_zip64=True) as file:
        for piece in member.content:
            file.write(piece)
            yield
    yield


class _Sink(RawIOBase):
    """What was written and not yet sent. Nobody can go back in it: sizes follow their contents."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, piece: Buffer) -> int:
        content = bytes(piece)
        self._pieces.append(content)
        return len(content)

    def taken(self) -> Iterator[bytes]:
        """What is there, at once; from now on it is gone."""
        if self._pieces:
            yield b"".join(self._pieces)
            self._pieces.clear()
