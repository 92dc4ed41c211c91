"""Where things lie in a data directory, and the lock that lets one Optoscope use it at a time."""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from app.stack.trouble import StackError

LEAST_FREE_MB = 500  # an empty database takes 40 MB, a run with its checkpoints about 60 MB
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class DataDir:
    """Everything that outlives a stop: `rm -r` of it is a fresh start."""

    root: Path  # absolute

    @property
    def logs(self) -> Path:
        """One log per child process."""
        return self.root / "logs"

    @property
    def records(self) -> Path:
        """Which child processes run, for an Optoscope that follows one that was killed."""
        return self.root / "run"

    @property
    def postgres(self) -> Path:
        """The database cluster."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        """The queue's append-only file."""
        return self.root / "valkey"

    @property
    def compiled(self) -> Path:
        """Compiled programs: half a minute cold, no time from here."""
        return self.root / "cache" / "inductor"


def open_data_dir(path: Path, *, least_free_mb: int = LEAST_FREE_MB) -> DataDir:
    """The data directory, made if needed, writable and with room."""
    data = DataDir(path.expanduser().resolve())
    try:
        for directory in (data.root, data.logs, data.records, data.compiled):
            directory.mkdir(parents=True, exist_ok=True)
        (data.records / ".writable").write_bytes(b"\0" * 4096)
        (data.records / ".writable").unlink()
    except OSError as error:
        raise StackError(
            f"The data directory {data.root} cannot be written ({error.strerror}); "
            "choose another with --data-dir."
        ) from None
    free_mb = shutil.disk_usage(data.root).free // MEGABYTE
    if free_mb < least_free_mb:
        raise StackError(
            f"The disk of {data.root} is full: {free_mb} MB are free and {least_free_mb} MB are "
            "needed; make room or choose another with --data-dir."
        )
    return data


@contextmanager
def sole_use(data: DataDir) -> Iterator[Callable[[str], None]]:
    """Holds the data directory; yields a function that notes who holds it, for those refused.

    The kernel drops the lock with the process, however that ends.
    """
    # Not inherited: a child that outlives us must not keep the directory locked.
    descriptor = os.open(data.root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            # On the open file and never removed: two who lock different files of the same name
            # would both go on.
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(descriptor, 200, 0).decode() or "another process"
            raise StackError(
                f"Optoscope already runs on {data.root} ({holder}); "
                "use that one, or choose another directory with --data-dir."
            ) from None

        def note(holder: str) -> None:
            # By who holds the lock only. A reader that comes between the two calls finds nothing,
            # and says "another process".
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder.encode(), 0)

        note(f"process {os.getpid()}")
        yield note
    finally:
        os.close(descriptor)
