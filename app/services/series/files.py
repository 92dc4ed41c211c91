"""Files of the checkpoint store, wherever it is: `file://` or whatever else fsspec knows."""

import hashlib
import logging
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from urllib.parse import unquote

import fsspec

log = logging.getLogger(__name__)

PIECE = 1_000_000  # bytes
ENDING, UNFINISHED = ".safetensors", ".tmp"
_WEIGHTS = re.compile(r"^[a-z0-9]+://.*/[0-9a-z]{10}/[^/]+\.safetensors$")
_RUN_FOLDER = re.compile(r"^[a-z0-9]+://.*/[0-9a-z]{10}/$")
IsNamed = Callable[[Collection[str]], set[str]]  # which of some files any row names


def place_of(url: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The store of a URL, and the path within it."""
    files, path = fsspec.url_to_fs(url)
    if not url.startswith("file:"):
        return files, path
    # fsspec leaves `%20` as it is. Versions before wrote so, too: what lies there is found there.
    plain = unquote(path)
    is_old = plain != path and files.exists(path) and not files.exists(plain)
    return files, path if is_old else plain


class FileGoneError(Exception):
    """There is no such file, or the store does not answer."""


def file_pieces(url: str, start: int = 0, size: int | None = None) -> Iterator[bytes]:
    """A file, or so many bytes of it, piece by piece. Raises `FileGoneError` before the first."""
    try:
        files, path = place_of(url)
        file = files.open(path, "rb", block_size=PIECE)
        file.seek(start)
        first = file.read(PIECE if size is None else min(PIECE, size))
    except Exception as error:  # of whichever store it is: each has errors of its own
        raise FileGoneError(str(error)) from error
    return _rest(first, file, size)


def whole_file(url: str, sha256: str) -> bytes | None:
    """A file that is there and is what was written, or None."""
    try:
        content = b"".join(file_pieces(url))
    except FileGoneError:
        return None
    return content if hashlib.sha256(content).hexdigest() == sha256 else None


def write_file(url: str, content: bytes) -> None:
    """Writes a file; its folder is made. Raises what its store raises."""
    files, path = place_of(url)
    files.makedirs(path.rpartition("/")[0], exist_ok=True)
    with files.open(path, "wb") as file:
        file.write(content)


def _rest(
    first: bytes, file: fsspec.spec.AbstractBufferedFile, size: int | None
) -> Iterator[bytes]:
    with file:
        piece = first
        while piece:
            yield piece
            size = size if size is None else size - len(piece)
            piece = file.read(PIECE if size is None else min(PIECE, size))


def remove_files(urls: Collection[str], is_named: IsNamed) -> set[str]:
    """Removes files, and what is in folders (URLs that end in a slash) but for what `is_named`
    names; those that are gone now."""
    gone = set()
    for url in filter(is_removable, urls):
        try:
            if url.endswith("/"):
                _remove_folder(url, is_named)
            else:
                _remove_file(url)
        except Exception as error:  # of whichever store it is; it is tried again later
            log.warning("%s could not be removed yet: %s", url, error)
        else:
            gone.add(url)
    return gone


def is_removable(url: str) -> bool:
    """Whether it is a file of weights or a run's folder: whatever rows say, nothing else goes."""
    return bool(_WEIGHTS.search(url) or _RUN_FOLDER.search(url))


def _remove_file(url: str) -> None:
    files, path = place_of(url)
    with suppress(FileNotFoundError):
        files.rm_file(path)


def _remove_folder(url: str, is_named: IsNamed) -> None:
    files, folder = place_of(url.rstrip("/"))
    files.invalidate_cache()
    try:
        names = files.ls(folder, detail=False)
    except FileNotFoundError:
        return
    found = {f"{url}{name.rpartition('/')[2]}": name for name in names}
    ours = {one for one in found if one.endswith((ENDING, UNFINISHED))}
    for one in ours - is_named(ours):
        files.rm_file(found[one])
    # Object stores have no folders; one that still holds files of others stays.
    with suppress(OSError):
        files.rmdir(folder)
