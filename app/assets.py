"""What `/static` serves: compressed, and under addresses that browsers may keep for ever.

The version is a part of the path, `/static/v-3f1c8a5e9b07/js/run/page.js`. Scripts import each
other by relative paths, so all of a page's are of one version, without anything being built.
"""

import gzip
import hashlib
import mimetypes
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

WEB = Path(__file__).resolve().parents[1] / "web"
STATIC = WEB / "static"
VERSION = re.compile("v-[0-9a-f]{12}")
TEXT = {".js", ".css", ".svg"}
IMPORT = re.compile(r'(?:from|^import) "(\.{1,2}/[\w./-]+)"', re.MULTILINE)
KEEP, ASK = "public, max-age=31536000, immutable", "no-cache"

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


def present() -> Present:
    """What there is; looked up once a second at most."""
    # A file that is changed while the server runs is seen a second later, or as soon as it is
    # asked for.
    return _present_at(int(time.monotonic()))


@lru_cache(maxsize=1)
def _present_at(second: int) -> Present:
    # Stamps first, contents after: a file that changes in between has another stamp at the next
    # look, and is read again.
    return _present(tuple(sorted(_stamps(STATIC))))


@lru_cache(maxsize=1)
def _present(files: tuple[Stamp, ...]) -> Present:
    digest = hashlib.sha256()
    for path, *_ in files:
        content = (STATIC / path).read_bytes()
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


def _present_for(path: str) -> Present:
    """The look by which a file is served: of the present one the file may be changed already."""
    found = present()
    if path in found.stamps and not found.is_still(path):
        # Else what is new would be kept for ever under the address of what was before.
        _present_at.cache_clear()
        found = present()
    return found


def imports_of(script: str) -> tuple[str, ...]:
    """All scripts that one needs, also those that others import: a page can ask for all at once."""
    return _imports_of(script, present().version)


@lru_cache(maxsize=64)
def _imports_of(script: str, version: str) -> tuple[str, ...]:
    found = [script]
    for path in found:  # grows meanwhile
        named = IMPORT.findall((STATIC / path).read_text())
        needed = (os.path.normpath(Path(path).parent / name) for name in dict.fromkeys(named))
        found += [script for script in needed if script not in found]
    return tuple(found[1:])


class Assets(StaticFiles):
    """The files, with or without a version in front; only those of the present one are kept."""

    def get_path(self, scope: Scope) -> str:
        path = super().get_path(scope)
        first, _, rest = path.partition(os.sep)
        return rest if VERSION.fullmatch(first) else path

    async def get_response(self, path: str, scope: Scope) -> Response:
        # Once per request: the version that is compared with the address and the stamps that
        # choose what is sent must be of the same look.
        found, asked = _present_for(path), Headers(scope=scope)
        takes_gzip = "gzip" in asked.get("accept-encoding", "")
        if path in found.stamps and Path(path).suffix in TEXT and takes_gzip:
            response = _compressed(found.stamps[path])
            if self.is_not_modified(response.headers, asked):
                response = NotModifiedResponse(response.headers)
        else:
            response = await super().get_response(path, scope)
        # Else a cache between us would hand a compressed file to one who cannot read it.
        response.headers["Vary"] = "Accept-Encoding"
        is_present = f"/{found.version}/" in scope["path"]
        response.headers["Cache-Control"] = KEEP if is_present else ASK
        return response


def _compressed(file: Stamp) -> Response:
    content, digest = _gzip(file)
    kind, _ = mimetypes.guess_type(file[0])
    headers = {"Content-Encoding": "gzip", "ETag": f'"{digest}"'}
    return Response(content, media_type=kind, headers=headers)


@lru_cache(maxsize=256)
def _gzip(file: Stamp) -> tuple[bytes, str]:
    """A file, made small once and then held in memory (a megabyte in all); its digest."""
    # Without the time, so that servers side by side give the same bytes the same digest.
    content = gzip.compress((STATIC / file[0]).read_bytes(), mtime=0)
    return content, hashlib.sha256(content).hexdigest()[:24]


def assets() -> Assets:
    """What `/static` serves."""
    return Assets(directory=STATIC)
