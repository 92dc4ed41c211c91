"""Archives that were changed, each with a manifest that fits the change."""

import hashlib
import io
import json
import zipfile

import pytest


def rebuilt(content: bytes, changes: dict[str, bytes | None], **manifest: object) -> bytes:
    """An archive with other files; None: without it. `manifest`: what that says instead."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    said = json.loads(files.pop("manifest.json"))
    files |= changes
    files = {name: data for name, data in files.items() if data is not None}
    said["members"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    }
    return zipped({**files, "manifest.json": json.dumps(said | manifest).encode()})


def zipped(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return sink.getvalue()


def edited(content: bytes, name: str, **changes: object) -> bytes:
    """Another `run.json`: of the run (`run__name`), or beside it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        said = json.loads(archive.read(name))
    for key, value in changes.items():
        inner, _, field = key.partition("__")
        if field:
            said[inner][field] = value
        else:
            said[inner] = value
    return rebuilt(content, {name: json.dumps(said).encode()})


def first_line(content: bytes, name: str, **changes: object) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        first, *rest = archive.read(name).splitlines(keepends=True)
    line = json.dumps(json.loads(first) | changes).encode() + b"\n"
    return rebuilt(content, {name: b"".join([line, *rest])})


def doubled(content: bytes, name: str) -> bytes:
    sink = io.BytesIO(content)
    with zipfile.ZipFile(sink, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(name, b"again")
    return sink.getvalue()


def flipped(content: bytes) -> bytes:
    """Weights are not packed: a byte of theirs, wherever they are."""
    return content.replace(b"weights of", b"weightS of", 1)
