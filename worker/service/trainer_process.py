"""The trainer as its supervisor sees it: a process that gets ready, trains, and ends somehow."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from app.config import Settings
from app.db.claims import Claim
from app.logs import as_text
from app.services.runs.log_files import log_folder, shared_line
from worker.service.fork_server import ForkServer

_LONGEST_LINE = 300
_END_OF_LOG = 4096  # bytes of it in which its last line is


class TrainerProcess:
    """A trainer of some attempts, or of none: one that only shows whether it can get ready.

    In a session of its own, so that it can be killed with what it starts (compilers).
    Raises `OSError` if it cannot be started.
    """

    def __init__(self, settings: Settings, forks: ForkServer, taken: Sequence[Claim]) -> None:
        self._log = _log(log_folder(settings.data_dir), taken)
        self._is_ready = False
        with self._log.open("ab") as output:
            self._begins_at = output.tell()
        ready, said = os.pipe()
        os.set_blocking(ready, False)
        self._ready = os.fdopen(ready, "rb", buffering=0)  # closed by `end`
        try:
            arguments = [f"{one.run_id}:{one.attempt}" for one in taken]
            self._process = forks.fork("trainer", arguments, self._log, said)
        except OSError:
            self._ready.close()
            raise
        finally:
            os.close(said)

    @property
    def is_ready(self) -> bool:
        """Whether it has loaded what it trains with: what happens from then on its runs do to it,
        what happened before is this machine's fault."""
        if not self._is_ready and not self._ready.closed:
            # Nothing is there to be read: it has not said so yet, or never will.
            self._is_ready = bool(self._ready.read(1))
        return self._is_ready

    def has_exited(self, seconds: float) -> bool:
        """Whether it has, waiting for so long."""
        return self._process.has_exited(seconds)

    def terminate(self) -> None:
        """Asks it to save and to give its runs back."""
        self._process.terminate()

    def end(self) -> None:
        """Ends it and what it has started, whatever they are doing; what it said is still known."""
        self._process.kill()
        _ = self.is_ready  # looked at for the last time
        self._ready.close()

    def how_it_ended(self) -> str:
        """A sentence, of one that has."""
        code = self._process.returncode or 0
        if not self._is_ready:
            said = self._last_line() or f"it ended with exit code {code} and no word"
            return f"The trainer could not be started: {said}."
        if code == -signal.SIGKILL:
            return "The trainer was killed (SIGKILL), as happens when memory runs out."
        if code < 0:
            return f"The trainer crashed ({signal.Signals(-code).name})."
        return f"The trainer ended with exit code {code} and no word about its runs."

    def _last_line(self) -> str:
        """The last that it wrote, such as the error that ended it."""
        with self._log.open("rb") as log:
            log.seek(max(self._begins_at, log.seek(0, os.SEEK_END) - _END_OF_LOG))
            lines = [as_text(line) for line in log.read().decode(errors="replace").splitlines()]
        said = next((line.strip() for line in reversed(lines) if line.strip()), "").split("\n")[-1]
        return said[:_LONGEST_LINE].rstrip(".")


def _log(folder: Path, taken: Sequence[Claim]) -> Path:
    """The log of the trainer: that of its first run, which those of the others name."""
    folder.mkdir(parents=True, exist_ok=True)
    if not taken:
        return folder.parent / f"trainer-{os.getpid()}.log"
    first, *others = (folder / f"{claim.run_id}.log" for claim in taken)
    for other, claim in zip(others, taken[1:], strict=True):
        with other.open("a") as output:
            output.write(shared_line(claim.attempt, first))
    return first
