"""Whether all workers are on the machine of the web server, which then sees the same files."""

import os
import socket

from sqlalchemy.orm import Session

from app.db.workers import all_workers


def all_are_here(session: Session) -> bool:
    """Whether every worker that was heard of in the last day shares this machine's files, and one
    is there now. In doubt it is not so: a worker elsewhere may have what is missing here."""
    known, host = all_workers(session), socket.gethostname()
    heard = [worker for worker, is_heard in known if is_heard]
    elsewhere = any(worker.host != host for worker, _ in known)
    # A container on the network of its machine has that one's name, but processes and files of
    # its own.
    return bool(heard) and not elsewhere and all(_is_ours(worker.pid) for worker in heard)


def _is_ours(pid: int) -> bool:
    """Whether there is such a process among ours."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
