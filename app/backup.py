"""`optoscope backup` and `restore`: all that is known of all runs, and their files, in one file.

A tar file: `manifest.json`, `tables/NAME` (rows as Postgres copies them) and `files/RUN/NAME`
(weights). Made of a server that may be running and training; restored into an empty one.
"""

import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import IO

from psycopg import Connection
from sqlalchemy import Engine

from app.config import Settings
from app.db.engine import make_engine
from app.db.whole import dump
from app.db.whole.migrate import revision_of, upgrade
from app.services.series.files import whole_file, write_file
from app.stack.trouble import StackError

Say = Callable[[str], None]
FORMAT = 1
_LARGEST_IN_MEMORY = 50_000_000  # bytes of a table; larger ones wait in a file


@dataclass(frozen=True)
class Manifest:
    """What a backup is of."""

    format: int
    version: str  # of the program
    revision: str  # of the tables
    columns: dict[str, list[str]]
    files: dict[str, str]  # member of the archive by URL
    lost: list[str]  # resume points that were replaced while the backup was made


def backup(settings: Settings, path: Path, say: Say) -> None:
    """Writes a backup; an existing file is not replaced."""
    if path.exists():
        raise StackError(f"{path} is there already; choose another name.")
    engine = make_engine(settings.database_url, pool_size=1, patience_seconds=0)
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        if revision_of(engine) is None:
            raise StackError("The database has no tables of Optoscope: there is nothing to keep.")
        # Under its name only when it is whole.
        with tarfile.open(unfinished, "x") as archive:
            manifest = _write(engine, archive)
        unfinished.rename(path)
    except OSError as error:
        raise StackError(f"{path} could not be written: {error}.") from None
    finally:
        unfinished.unlink(missing_ok=True)
        engine.dispose()
    say(f"{path}: {len(manifest.files)} files of weights, {path.stat().st_size / 1e6:,.1f} MB.")


def restore(settings: Settings, path: Path, say: Say) -> None:
    """Fills an empty database, and the store, from a backup."""
    engine = make_engine(settings.database_url, pool_size=1, patience_seconds=0)
    try:
        if not dump.is_empty(engine):
            raise StackError(
                "The database has runs already; restore into an empty one (another --data-dir)."
            )
        with tarfile.open(path) as archive:
            manifest = _manifest(archive, path)
            # The tables as they were then; what came since is applied to the rows.
            upgrade(settings.database_url, to=manifest.revision)
            folders = _restore_files(archive, manifest, settings.checkpoint_url)
            with engine.begin() as connection:
                raw = connection.connection.driver_connection
                assert isinstance(raw, Connection)
                for table, columns in manifest.columns.items():
                    dump.read_table(raw, table, columns, _member(archive, f"tables/{table}"))
                dump.finish(raw, folders, manifest.lost)
        upgrade(settings.database_url)
    except (OSError, tarfile.TarError) as error:
        raise StackError(f"{path} cannot be restored: {error}.") from None
    finally:
        engine.dispose()
    say(f"Restored {len(manifest.files)} files of weights and all rows of {path}.")


def _write(engine: Engine, archive: tarfile.TarFile) -> Manifest:
    tables = [table for table in dump.TABLES if table not in dump.LEFT_OUT]
    with dump.snapshot(engine) as connection:
        files, lost = _add_files(connection, archive)
        for table in tables:
            _add_table(connection, archive, table)
    manifest = Manifest(
        format=FORMAT,
        version=version("optoscope"),
        revision=revision_of(engine) or "",
        columns={table: dump.columns_of(table) for table in tables},
        files=files,
        lost=lost,
    )
    _add(archive, "manifest.json", io.BytesIO(json.dumps(asdict(manifest)).encode()))
    return manifest


def _add_table(connection: Connection, archive: tarfile.TarFile, table: str) -> None:
    with tempfile.SpooledTemporaryFile(_LARGEST_IN_MEMORY) as rows:
        dump.write_table(connection, table, rows)
        _add(archive, f"tables/{table}", rows)


def _add_files(
    connection: Connection, archive: tarfile.TarFile
) -> tuple[dict[str, str], list[str]]:
    """Adds what the rows of this moment name: resume points first, as they are soon replaced."""
    rows = connection.execute(
        "SELECT url, sha256, false FROM resume_point UNION SELECT url, sha256, true FROM checkpoint"
        " ORDER BY 3, 1"
    ).fetchall()
    files: dict[str, str] = {}
    lost: list[str] = []
    for url, sha256, must_be in rows:
        member = "files/" + "/".join(url.rsplit("/", 2)[-2:])
        content = whole_file(url, sha256)
        if content is not None:
            _add(archive, member, io.BytesIO(content))
            files[url] = member
        elif must_be:
            raise StackError(
                f"The checkpoint {url} is missing or damaged; delete its run for good."
            )
        else:
            lost.append(url)
    return files, lost


def _add(archive: tarfile.TarFile, name: str, file: IO[bytes]) -> None:
    member = tarfile.TarInfo(name)
    member.size = file.seek(0, io.SEEK_END)
    file.seek(0)
    archive.addfile(member, file)


def _manifest(archive: tarfile.TarFile, path: Path) -> Manifest:
    try:
        content = json.load(_member(archive, "manifest.json"))
        if content["format"] != FORMAT:
            raise StackError(f"{path} is a backup of format {content['format']}, not {FORMAT}.")
        return Manifest(**content)
    except (KeyError, TypeError, ValueError):
        raise StackError(f"{path} is no backup of Optoscope.") from None


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    file = archive.extractfile(name)
    if file is None:
        raise KeyError(name)
    return file


def _restore_files(archive: tarfile.TarFile, manifest: Manifest, store_url: str) -> dict[str, str]:
    """Puts the files into the store; the folders of their URLs then and now."""
    folders = {}
    for url, member in manifest.files.items():
        _, run_id, name = member.split("/")
        folders[url.rpartition("/")[0] + "/"] = folder = f"{store_url.rstrip('/')}/{run_id}/"
        write_file(f"{folder}{name}", _member(archive, member).read())
    return folders
