"""How the processes log: one line an event to standard error, as text or as JSON.

JSON lines name the request and the run that they are about. Passwords in addresses are left out of
either.
"""

import json
import logging
import re
import sys
from collections.abc import Sequence
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Literal

LogFormat = Literal["text", "json"]

request_id: ContextVar[str] = ContextVar("request_id", default="")  # of a web server's request

_TEXT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"
_PASSWORD = re.compile(r"(://[^\s:/@]*):[^\s/@]+@")
_RUN = re.compile(r"\brun ([0-9a-z]{10})\b|/runs/([0-9a-z]{10})\b")


class TextLines(logging.Formatter):
    """For people."""

    def __init__(self) -> None:
        super().__init__(_TEXT)

    def format(self, record: logging.LogRecord) -> str:
        return without_passwords(super().format(record))


class JsonLines(logging.Formatter):
    """For programs; `runs`: those that all of this process is about."""

    def __init__(self, runs: Sequence[str] = ()) -> None:
        super().__init__()
        self._runs = list(runs)

    def format(self, record: logging.LogRecord) -> str:
        message = record.getMessage()
        error = self.formatException(record.exc_info) if record.exc_info else record.exc_text
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "process": record.process,
            "logger": record.name,
            "message": message,
        }
        about = {"request": request_id.get(), "runs": _runs_in(message) or self._runs}
        said |= {name: value for name, value in about.items() if value}
        return without_passwords(json.dumps(said | ({"error": error} if error else {})))


def log_to_stderr(log_format: LogFormat = "text", runs: Sequence[str] = ()) -> None:
    """Sets logging up; called once by each process. Errors that nobody caught are logged, too."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines(runs) if log_format == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    if log_format == "json":
        sys.excepthook = lambda kind, error, trace: logging.getLogger("python").critical(
            "this process ends by an error", exc_info=(kind, error, trace)
        )


def as_text(line: str) -> str:
    """A line of either format as people read it; others stay as they are."""
    if not line.startswith('{"time": '):
        return line
    try:
        said = json.loads(line)
        text = "{time} {level} {process} {logger}: {message}".format(**said)
    except (ValueError, KeyError):  # cut off, or of another program
        return line
    return f"{text}\n{said['error']}" if "error" in said else text


def without_passwords(text: str) -> str:
    """A text without the passwords of the addresses in it."""
    return _PASSWORD.sub(r"\1:***@", text)


def _runs_in(message: str) -> list[str]:
    return list(dict.fromkeys(one or other for one, other in _RUN.findall(message)))
