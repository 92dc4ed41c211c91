"""Front-end libraries: fetched from the npm registry by the lock file, copied to where they are
served from. Nothing is built, and no Node is needed. Standard library only, so that a build can run
it before anything is installed.
"""

import hashlib
import io
import json
import os
import tarfile
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from ssl import create_default_context
from urllib.request import urlopen

from app.stack.trouble import StackError

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "web" / "static" / "vendor"
WANTED: Mapping[str, Mapping[str, str]] = {  # of each package: file in it, name in the directory
    "htmx.org": {
        "dist/htmx.min.js": "htmx.min.js",
        "LICENSE": "htmx.LICENSE.txt",
    },
    "plotly.js-cartesian-dist-min": {
        "plotly-cartesian.min.js": "plotly-cartesian.min.js",
        "LICENSE": "plotly-cartesian.LICENSE.txt",
    },
}
REGISTRY = "https://registry.npmjs.org"
OVERRIDE = "npm_config_registry"  # the environment variable by which npm is told of a mirror
SECONDS = 60

Fetch = Callable[[str], bytes]


def ensure_assets(vendor: Path = VENDOR) -> bool:
    """Puts the pinned libraries into `vendor`; whether anything had to be done."""
    if is_complete(vendor):
        return False
    # Fetched as a whole before anything is replaced: a fetch that fails leaves what was there.
    found = {
        target: text
        for package, files in WANTED.items()
        for target, text in files_of(package, files).items()
    }
    vendor.mkdir(parents=True, exist_ok=True)
    for name, content in found.items():
        (vendor / name).write_bytes(content)
    (vendor / "VERSIONS").write_text(pinned_versions())  # last: all the rest is there
    return True


def is_complete(vendor: Path = VENDOR) -> bool:
    """Whether the libraries are there, in the versions of the lock file."""
    stamp = vendor / "VERSIONS"
    has_all = all((vendor / name).exists() for files in WANTED.values() for name in files.values())
    return has_all and stamp.exists() and stamp.read_text() == pinned_versions()


def pinned_versions() -> str:
    """One line per library, `name version`, as the lock file has them."""
    packages = _locked()
    names = sorted(packages[""]["dependencies"])
    return "".join(f"{name} {packages[f'node_modules/{name}']['version']}\n" for name in names)


def _locked() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((ROOT / "package-lock.json").read_text())[
        "packages"
    ]
    return found


def _get(url: str) -> bytes:
    context = create_default_context()
    with suppress(ImportError):  # Pythons that bring no certificates of their own, as on macOS
        import certifi

        context.load_verify_locations(certifi.where())
    with urlopen(url, timeout=SECONDS, context=context) as answer:
        content: bytes = answer.read()
    return content


def files_of(package: str, files: Mapping[str, str], get: Fetch = _get) -> dict[str, bytes]:
    """Files of a package in its locked version, by the names that they are to have.

    Raises `StackError` where it cannot be fetched, or is not what the lock file has the hash of.
    """
    locked = _locked()[f"node_modules/{package}"]
    registry = os.environ.get(OVERRIDE) or os.environ.get(OVERRIDE.upper()) or REGISTRY
    url = f"{registry.rstrip('/')}/{package}/-/{package}-{locked['version']}.tgz"
    try:
        archive = get(url)
    except OSError as error:
        raise StackError(
            f"The front-end libraries could not be fetched from {url}: {error}. "
            f"{OVERRIDE} names another registry."
        ) from None
    if not _is_whole(archive, locked["integrity"]):
        raise StackError(f"{url} is not what package-lock.json has the hash of.")
    with tarfile.open(fileobj=io.BytesIO(archive)) as unpacked:
        return {target: _read(unpacked, f"package/{name}") for name, target in files.items()}


def _is_whole(archive: bytes, integrity: str) -> bool:
    kind, _, expected = integrity.partition("-")
    return hashlib.new(kind, archive).digest() == b64decode(expected)


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    member = archive.extractfile(name)
    assert member is not None, f"{name} is no file"
    return member.read()
