"""The files that there are, and the version of all of them, which their addresses name."""

import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

WEB = Path(__file__).resolve().parents[2] / "web"
STATIC = WEB / "static"

Stamp = tuple[str, int, int]  # path, time of the last change, size


@dataclass(frozen=True)
class Present:
    """The files as they are now: their version, and when each changed last."""

    version: str
    stamps: dict[str, Stamp]

    def is_still(self, path: str) -> bool:
        """Whether the file is what it was at that look."""
        return _stamp_of(STATIC / path, path) == self.stamps.get(path)


def address(path: str) -> str:
    """Where a page finds a file, in its present version."""
    return f"/static/{present().version}/{path}"


def content_of(path: str) -> bytes:
    """What a file holds."""
    return (STATIC / path).read_bytes()


def present() -> Present:
    """What there is; looked up once a second at most."""
    # A file that is changed while the server runs is seen a second later, or as soon as it is
    # asked for.
    return _present_at(int(time.monotonic()))


def present_for(paths: Sequence[str]) -> Present:
    """The look by which files are served: of the present one they may be changed already."""
    found = present()
    if not all(found.is_still(path) for path in paths if path in found.stamps):
        # Else what is new would be kept for ever under the address of what was before.
        _present_at.cache_clear()
        found = present()
    return found


@lru_cache(maxsize=1)
def _present_at(second: int) -> Present:
    # Stamps first, contents after: a file that changes in between has another stamp at the next
    # look, and is read again.
    return _present(tuple(sorted(_stamps(STATIC))))


@lru_cache(maxsize=1)
def _present(files: tuple[Stamp, ...]) -> Present:
    digest = hashlib.sha256()
    for path, *_ in files:
        content = content_of(path)
        digest.update(f"{path} {len(content)}\n".encode() + content)
    return Present(f"v-{digest.hexdigest()[:12]}", {stamp[0]: stamp for stamp in files})


def _stamps(folder: Path) -> Iterator[Stamp]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if stamp := _stamp_of(path, os.path.relpath(path, folder)):
                yield stamp


def _stamp_of(file: Path, path: str) -> Stamp | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return path, status.st_mtime_ns, status.st_size
