"""What `/static` serves: compressed, and under addresses that browsers may keep for ever.

The version is a part of the path, `/static/v-3f1c8a5e9b07/js/run.js`. Scripts import each other by
relative paths, so all of a page's are of one version, without anything having to be built.
"""

import gzip
import hashlib
import mimetypes
import os
import re
import time
from collections.abc import Iterator
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
KEEP, ASK = "public, max-age=31536000, immutable", "no-cache"

Stamp = tuple[str, int, int]  # path, time of the last change, size


def address(path: str) -> str:
    """Where a page finds a file, in its present version."""
    return f"/static/{version()}/{path}"


def version() -> str:
    """What all files together are now; looked up once a second at most."""
    return _version_at(int(time.monotonic()))


@lru_cache(maxsize=1)
def _version_at(second: int) -> str:
    return _version_of(tuple(sorted(_stamps(STATIC))))


@lru_cache(maxsize=1)
def _version_of(files: tuple[Stamp, ...]) -> str:
    digest = hashlib.sha256()
    for path, *_ in files:
        content = Path(path).read_bytes()
        digest.update(f"{Path(path).relative_to(STATIC)} {len(content)}\n".encode() + content)
    return f"v-{digest.hexdigest()[:12]}"


def _stamps(folder: Path) -> Iterator[Stamp]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            status = os.stat(path)
            yield path, status.st_mtime_ns, status.st_size


class Assets(StaticFiles):
    """The files, with or without a version in front; only those of the present one are kept."""

    def get_path(self, scope: Scope) -> str:
        path = super().get_path(scope)
        first, _, rest = path.partition(os.sep)
        return rest if VERSION.fullmatch(first) else path

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        asked = Headers(scope=scope)
        if Path(full_path).suffix in TEXT and "gzip" in asked.get("accept-encoding", ""):
            response = _compressed(str(full_path), stat_result.st_mtime_ns)
            if self.is_not_modified(response.headers, asked):
                response = NotModifiedResponse(response.headers)
        else:
            response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Vary"] = "Accept-Encoding"
        is_present = f"/{version()}/" in scope["path"]
        response.headers["Cache-Control"] = KEEP if is_present else ASK
        return response


def _compressed(path: str, changed: int) -> Response:
    content, digest = _gzip(path, changed)
    kind, _ = mimetypes.guess_type(path)
    headers = {"Content-Encoding": "gzip", "ETag": f'"{digest}"'}
    return Response(content, media_type=kind, headers=headers)


@lru_cache(maxsize=256)
def _gzip(path: str, changed: int) -> tuple[bytes, str]:
    """A file, made small once and then held in memory (a megabyte in all); its digest."""
    content = gzip.compress(Path(path).read_bytes(), mtime=0)
    return content, hashlib.sha256(content).hexdigest()[:24]


def assets() -> Assets:
    """What `/static` serves."""
    return Assets(directory=STATIC)
