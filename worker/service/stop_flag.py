"""Asking a supervisor to stop: from Celery's main process to the pool process, its fork."""

import mmap
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class StopFlag:
    """One byte that this process and those forked from it share. Once up, it stays up."""

    def __init__(self) -> None:
        # Shared by fork, without a lock: one byte that only ever goes from 0 to 1.
        self._byte = mmap.mmap(-1, 1)

    def put_up(self, *_: object, **__: object) -> None:
        """Asks to stop; takes whatever a signal handler is called with."""
        self._byte[0] = 1

    @property
    def is_up(self) -> bool:
        """Whether the worker shuts down."""
        return self._byte[0] == 1


@contextmanager
def sigterm_waits(flag: StopFlag) -> Iterator[None]:
    """SIGTERM puts the flag up and takes effect at the end of the block, no earlier.

    Service managers and Celery's cold shutdown send it to the pool process too, whose death would
    take the trainer with it before it has saved.
    """
    is_due = False

    def note(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_due
        is_due = True
        flag.put_up()

    # Of the main thread, where Celery runs tasks of a pool process; elsewhere Python refuses.
    before = signal.signal(signal.SIGTERM, note)
    try:
        yield
    finally:
        # Back first, then raised again: it now does what it would have done. One that comes in
        # between acts at once, which is right as well.
        signal.signal(signal.SIGTERM, before)
        if is_due:
            signal.raise_signal(signal.SIGTERM)
