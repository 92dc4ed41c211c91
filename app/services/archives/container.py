"""The file that somebody sends as an archive: looked at before anything of it is used.

Nothing is ever unpacked to a path that the archive says: members are read by names of ours.
"""

import hashlib
import json
import re
import struct
import zlib
from collections.abc import Iterator
from typing import IO, TypeVar
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile

from pydantic import BaseModel, ValidationError

from app.errors import Invalid
from app.schemas.api.archives import FORMAT, ArchivedMember, ArchiveManifest
from app.schemas.text import shown

MANIFEST = "manifest.json"
LARGEST_DOCUMENT = 64_000_000  # bytes of a file that is read as one; of a line of others
LARGEST_INDEX = 64_000_000  # bytes of the list of members: some hundred thousand of them
PIECE = 1_000_000
_ID = "[0-9a-z]{10}"
_NAMES = re.compile(
    rf"studies/{_ID}\.json"
    rf"|runs/{_ID}/(run\.json|measurements\.jsonl|frames\.jsonl|log\.txt|analysis-{_ID}\.jsonl)"
    r"|files/[0-9a-f]{64}\.safetensors"
)
_END, _END_64, _LOCATOR = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
Model = TypeVar("Model", bound=BaseModel)


class Archive:
    """An archive all of whose files are what its manifest says. Raises `Invalid` for any other."""

    def __init__(self, file: IO[bytes], most_bytes: int) -> None:
        self._zip = _opened(file)
        self._check_members(most_bytes)
        self.manifest = self._read_manifest()
        self._check_against_manifest()

    def __contains__(self, name: str) -> bool:
        return name in self.manifest.members

    def document(self, name: str, model: type[Model]) -> Model:
        """A file that is read as one."""
        return _parsed(name, self._bytes(name), model)

    def lines(self, name: str, model: type[Model]) -> Iterator[Model]:
        """A file of a document a line; none, if there is no such file."""
        if name not in self:
            return
        with self._zip.open(name) as file:
            while line := file.readline(LARGEST_DOCUMENT):
                yield _parsed(name, line, model)

    def text(self, name: str) -> str:
        """A file of text; empty, if there is none."""
        return self._bytes(name).decode(errors="replace") if name in self else ""

    def weights(self, sha256: str) -> bytes:
        """A file of weights, which has this SHA-256."""
        name = weights_name(sha256)
        return self._zip.read(name)

    def size_of_weights(self, sha256: str) -> int:
        """In bytes; `Invalid` for a file that is named and not there."""
        name = weights_name(sha256)
        if name not in self:
            raise Invalid(f"The archive names {name}, and does not hold it.")
        return self.manifest.members[name].size

    def _check_members(self, most_bytes: int) -> None:
        """Before a byte of them is read: what they are called, and how large they say they are."""
        found = self._zip.infolist()
        names = [one.filename for one in found]
        if len(set(names)) != len(names):
            raise Invalid("The archive holds two files of one name.")
        for one in found:
            if one.filename != MANIFEST and not _NAMES.fullmatch(one.filename):
                raise Invalid(
                    f"The archive holds {_quoted(one.filename)}, which none of ours does."
                )
            if one.flag_bits & 1 or one.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
                raise Invalid(
                    f"{one.filename} of the archive is packed in a way that none of ours is."
                )
        if (total := sum(one.file_size for one in found)) > most_bytes:
            raise Invalid(
                f"Unpacked, the archive has {total:,} bytes; this server takes {most_bytes:,} "
                "(OPTOSCOPE_MOST_ARCHIVE_GB)."
            )

    def _read_manifest(self) -> ArchiveManifest:
        if MANIFEST not in self._zip.namelist():
            raise Invalid("The file is no archive of Optoscope: it has no manifest.json.")
        content = self._bytes(MANIFEST)
        try:
            said = json.loads(content)
            written = said["format"]
        except (ValueError, RecursionError, KeyError, TypeError):
            raise Invalid("The archive's manifest.json cannot be read.") from None
        if written != FORMAT:
            raise Invalid(
                f"The archive has format {_quoted(str(written))}; this Optoscope reads format "
                f"{FORMAT}. Import it with the version that wrote it, or a newer one."
            )
        return _parsed(MANIFEST, content, ArchiveManifest)

    def _check_against_manifest(self) -> None:
        there, said = {*self._zip.namelist()} - {MANIFEST}, {*self.manifest.members}
        if there != said:
            [first, *_] = sorted(there ^ said)
            which = "is not in its manifest" if first in there else "is missing"
            raise Invalid(f"{_quoted(first)} of the archive {which}.")
        for name, member in self.manifest.members.items():
            is_other = name.startswith("files/") and name != weights_name(member.sha256)
            if is_other or self._found(name) != member:
                raise Invalid(
                    f"{name} of the archive is not what was written: its SHA-256 differs."
                )

    def _found(self, name: str) -> ArchivedMember:
        digest, size = hashlib.sha256(), 0
        try:
            with self._zip.open(name) as file:
                while piece := file.read(PIECE):
                    digest.update(piece)
                    size += len(piece)
        # The last is zipfile's, of a compression that it does not know.
        except (BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
            raise Invalid(f"{name} of the archive is damaged: {error}.") from None
        return ArchivedMember(size=size, sha256=digest.hexdigest())

    def _bytes(self, name: str) -> bytes:
        if name not in self._zip.namelist():
            raise Invalid(f"{name} of the archive is missing.")
        if self._zip.getinfo(name).file_size > LARGEST_DOCUMENT:
            raise Invalid(f"{name} of the archive is larger than any of ours.")
        try:
            return self._zip.read(name)
        except (BadZipFile, zlib.error, EOFError) as error:
            raise Invalid(f"{name} of the archive is damaged: {error}.") from None


def weights_name(sha256: str) -> str:
    """Where in an archive a file of weights is."""
    return f"files/{sha256}.safetensors"


def _opened(file: IO[bytes]) -> ZipFile:
    if _index_size(file) > LARGEST_INDEX:
        raise Invalid("The archive lists more files than any of ours.")
    try:
        return ZipFile(file)
    except (BadZipFile, ValueError, OverflowError, struct.error, UnicodeDecodeError):
        raise Invalid("The file is no zip file, or not all of one.") from None


def _index_size(file: IO[bytes]) -> int:
    """How large the list of members is, in bytes: it is read as one, so it is asked before. Files
    of ours end in what says so, without a comment after it."""
    file.seek(0, 2)
    size = file.tell()
    file.seek(max(0, size - 98))
    tail = file.read().rjust(98, b"\0")
    end = tail[-22:]
    if end[:4] != _END or end[20:] != b"\0\0":
        raise Invalid("The file is no zip file, or not all of one.")
    [plain] = struct.unpack_from("<L", end, 12)
    if tail[-42:-38] != _LOCATOR:
        return int(plain)
    large = tail[:56]
    if large[:4] != _END_64:
        raise Invalid("The file is no zip file of ours.")
    return int(max(plain if plain != 0xFFFFFFFF else 0, struct.unpack_from("<Q", large, 40)[0]))


def _parsed(name: str, content: bytes, model: type[Model]) -> Model:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = "/".join(_quoted(str(step)) for step in first["loc"])
        said = str(first["msg"]).removeprefix("Value error, ")
        raise Invalid(
            f"{name} of the archive, {where or 'as a whole'}: {shown(said)[:300]}"
        ) from None


def _quoted(text: str) -> str:
    return shown(text)[:100]
