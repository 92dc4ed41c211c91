"""What `/static` serves: compressed, and under addresses that browsers may keep for ever.

The version is a part of the path, `/static/v-3f1c8a5e9b07/css/site.css`, so that all that a page
asks for is of one version, without anything being built.
"""

import gzip
import hashlib
import mimetypes
import os
import re
from functools import lru_cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Scope

from app.assets.bundles import bundled, modules_of, scripts_of, sent
from app.assets.present import STATIC, present, present_for

VERSION = re.compile("v-[0-9a-f]{12}")
TEXT = {".js", ".css", ".svg"}
KEEP, ASK = "public, max-age=31536000, immutable", "no-cache"


class Assets(StaticFiles):
    """The files, with or without a version in front; only those of the present one are kept."""

    def get_path(self, scope: Scope) -> str:
        path = super().get_path(scope)
        first, _, rest = path.partition(os.sep)
        return rest if VERSION.fullmatch(first) else path

    async def get_response(self, path: str, scope: Scope) -> Response:
        scripts = scripts_of(path, present())
        needed = modules_of(scripts, present().version) if scripts else (path,)
        # Once per request: the version that is compared with the address and the stamps that
        # choose what is sent must be of the same look.
        found, asked = present_for(needed), Headers(scope=scope)
        takes_gzip = "gzip" in asked.get("accept-encoding", "")
        if scripts or (path in found.stamps and Path(path).suffix in TEXT):
            response = _text(path, scripts, found.version, small=takes_gzip)
            if self.is_not_modified(response.headers, asked):
                response = NotModifiedResponse(response.headers)
        else:
            response = await super().get_response(path, scope)
        # Else a cache between us would hand a compressed file to one who cannot read it.
        response.headers["Vary"] = "Accept-Encoding"
        is_present = f"/{found.version}/" in scope["path"]
        response.headers["Cache-Control"] = KEEP if is_present else ASK
        return response


def _text(path: str, scripts: tuple[str, ...], version: str, *, small: bool) -> Response:
    kind, _ = mimetypes.guess_type(path)
    content, digest = _made(path, scripts, version, small)
    headers = {"ETag": f'"{digest}"'} | ({"Content-Encoding": "gzip"} if small else {})
    return Response(content, media_type=kind, headers=headers)


@lru_cache(maxsize=256)
def _made(path: str, scripts: tuple[str, ...], version: str, small: bool) -> tuple[bytes, str]:
    """A file or a bundle, made once and then held in memory (five megabytes in all); its digest."""
    content = bundled(*scripts).encode() if scripts else sent(path)
    # Without the time, so that servers side by side give the same bytes the same digest.
    content = gzip.compress(content, mtime=0) if small else content
    return content, hashlib.sha256(content).hexdigest()[:24]


def assets() -> Assets:
    """What `/static` serves."""
    return Assets(directory=STATIC)
