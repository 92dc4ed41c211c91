"""The page of runs: one line per run."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from app.db.models import Run
from app.schemas.api import RunRead
from app.schemas.config import RunConfig
from app.services.lights import LitModel, lit_model
from app.services.listing import Filter, list_runs
from app.services.reading import read_run

BUSY_SECONDS = 2  # between looks at the table while something trains
IDLE_SECONDS = 10
PAGE = 50


@dataclass(frozen=True)
class RunRow:
    """A run in the table."""

    run: RunRead
    summary: str
    lights: LitModel
    words: str


@dataclass(frozen=True)
class RunsPage:
    """Context of `runs.html`."""

    rows: Sequence[RunRow]
    refresh_url: str
    refresh_seconds: int
    next_url: str | None
    is_later_page: bool


def runs_page(session: Session, cursor: str | None) -> RunsPage:
    """A page of runs, the newest first."""
    runs, next_cursor = list_runs(session, Filter(), cursor=cursor, limit=PAGE)
    rows = [_row(run) for run in runs]
    busy = not all(row.run.is_terminal for row in rows)
    return RunsPage(
        rows=rows,
        refresh_url=_url(cursor),
        refresh_seconds=BUSY_SECONDS if busy else IDLE_SECONDS,
        next_url=_url(next_cursor) if next_cursor else None,
        is_later_page=cursor is not None,
    )


def _row(run: Run) -> RunRow:
    config = RunConfig.model_validate(run.config)
    read = read_run(run)
    return RunRow(
        run=read,
        summary=summary(config),
        lights=lit_model(config.program, config.model),
        words=" ".join(read.description),
    )


def summary(config: RunConfig) -> str:
    """What tells runs apart at a glance: data, classes × labels, seed."""
    task = config.task
    return f"{task.dataset} {task.classes} × {task.labels} · seed {config.seeds.initial}"


def _url(cursor: str | None) -> str:
    return f"/runs?{urlencode({'cursor': cursor})}" if cursor else "/runs"
