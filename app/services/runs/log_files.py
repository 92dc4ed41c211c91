"""Logs of runs: what their trainers wrote, in the data directory of the machine that trained them.

A trainer of several runs writes to the log of its first; the others' logs say so.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from app.db import access, runs
from app.db.engine import session_scope
from app.db.models import Run
from app.logs import as_text, without_passwords

LONGEST_READ = 256 * 1024  # bytes from the end: far more than anybody reads, never a whole night's
AT_ONCE = 500  # logs that one look asks about
_ENDING = ".log"
_RUN = re.compile(r"[0-9a-z]{10}")
_SHARED = re.compile(r"attempt (\d+) is trained with others: see ([0-9a-z]{10})\.log")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class RunLog:
    """The last lines of a run's log; `note`: why there are none, or whose log they are in."""

    lines: Sequence[str]
    note: str = ""


def log_folder(data_dir: Path) -> Path:
    """Where trainers write."""
    return data_dir / "logs" / "runs"


def shared_line(attempt: int, writer: Path) -> str:
    """What the log of a run says whose trainer writes to another."""
    return f"attempt {attempt} is trained with others: see {writer.name}\n"


def read_log(data_dir: Path, run: Run, tail: int) -> RunLog:
    """The last lines of what the run's trainers wrote, as far as they are on this machine."""
    folder = log_folder(data_dir)
    lines = _last_lines(folder / f"{run.id}{_ENDING}")
    if lines is None:
        return RunLog([], _why_not(run))
    found = _SHARED.match(lines[-1]) if lines else None
    if found is None:
        return RunLog(lines[-tail:])
    attempt, writer = int(found[1]), found[2]
    theirs = _last_lines(folder / f"{writer}{_ENDING}")
    if theirs is None:
        return RunLog(lines[-tail:], f"Run {writer}, in whose log the rest was, is deleted.")
    note = f"It was trained together with run {writer}: this is the log of both."
    return RunLog([*lines, *_of_attempt(theirs, run.id, attempt, writer)][-tail:], note)


def _why_not(run: Run) -> str:
    if run.attempt == 0:
        return "Its log begins with its training."
    where = f"Its worker, {run.worker}, keeps it" if run.worker else "It is kept"
    return (
        f"Its log is not on this machine. {where} in logs/runs/{run.id}.log of the data directory "
        "there."
    )


def _of_attempt(lines: Sequence[str], run_id: str, attempt: int, writer: str) -> Sequence[str]:
    """Those of the trainer of an attempt, in the log of another run: from where it names the
    attempt, to where the next trainer begins. All of them, if they begin after that."""
    starts = [at for at, line in enumerate(lines) if f"run {run_id}: attempt {attempt}" in line]
    begins = starts[-1] if starts else 0
    ends = (
        at
        for at, line in enumerate(lines)
        if at > begins and (f"run {writer}: attempt " in line or _SHARED.match(line))
    )
    return lines[begins : next(ends, len(lines))]


def _last_lines(path: Path) -> list[str] | None:
    """Plain text, without passwords of addresses; None if there is no such file here."""
    try:
        with path.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - LONGEST_READ))
            content = log.read(LONGEST_READ)
    except OSError:
        return None
    lines = content.decode(errors="replace").splitlines()
    if size > LONGEST_READ:
        lines = lines[1:]  # the first is the rest of one
    shown = (part for line in lines for part in as_text(line).split("\n"))
    return [_CONTROL.sub("", without_passwords(line)) for line in shown]


def remove_logs_of_deleted(engine: Engine, data_dir: Path) -> None:
    """Removes the logs of runs that were deleted from this machine's data directory.

    Asked of the record of deletions, and not concluded from a missing row: with another database
    for the same directory all would be missing.
    """
    logs = {path.stem: path for path in log_folder(data_dir).glob(f"*{_ENDING}")}
    ours = sorted(name for name in logs if _RUN.fullmatch(name))
    for begin in range(0, len(ours), AT_ONCE):
        some = ours[begin : begin + AT_ONCE]
        with session_scope(engine) as session:
            gone = set(some) - runs.kept_runs(session, some)
            deleted = access.deleted_runs(session, gone) if gone else set()
        for run_id in deleted:
            logs[run_id].unlink(missing_ok=True)
