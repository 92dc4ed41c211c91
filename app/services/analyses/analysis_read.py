"""Analyses as the API answers them: where they stand, and what they found."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.db import analyses
from app.db.models import Analysis, Run
from app.errors import Invalid
from app.schemas.analyses.kinds import REQUEST, AnalysisRequest
from app.schemas.analyses.read import (
    AnalysisDryRun,
    AnalysisPage,
    AnalysisRead,
    AnalysisResult,
    CellRead,
)
from app.schemas.config import RunConfig
from app.schemas.state import TERMINAL, RunState
from app.services.analyses.plan import SECONDS_A_CELL, AnalysisPlan, cache_key, make_plan, parts_of
from app.services.cursors import read_cursor, write_cursor

_COLUMNS = (
    "checkpoint", "group", "name", "head", "other", "loss", "accuracy", "in_context_accuracy",
    "mistakes",
)  # fmt: skip


def read_analysis(analysis: Analysis) -> AnalysisRead:
    """Where it stands."""
    plan = AnalysisPlan.model_validate(analysis.plan)
    own = ("id", "run_id", "kind", "state", "done", "total", "created_at", "started_at")
    more = ("finished_at", "attempt", "worker", "error_kind", "error_message")
    return AnalysisRead.model_validate(
        {name: getattr(analysis, name) for name in (*own, *more)}
        | {
            "request": REQUEST.validate_python(analysis.request),
            "checkpoints": [one.sequences for one in plan.checkpoints],
            "is_terminal": RunState(analysis.state) in TERMINAL,
        }
    )


def read_result(session: Session, analysis: Analysis) -> AnalysisResult:
    """What it has found so far."""
    parts = analyses.parts_of(session, analysis.id)
    plan = AnalysisPlan.model_validate(analysis.plan)
    first: dict[str, Any] = parts[0] if parts else {}
    return AnalysisResult(
        id=analysis.id,
        state=RunState(analysis.state),
        sequences=first.get("sequences"),
        population=first.get("population"),
        strongest=list(plan.order),
        looking_back=list(plan.previous),
        **{
            name: [one for part in parts for one in part[name]]
            for name in ("cells", "recovery", "composition")
        },
    )


def result_lines(result: AnalysisResult) -> Iterator[Sequence[object]]:
    """The same as lines of a table: one a cell."""
    heads = [
        f"induction_strength.L{layer}H{head}"
        for layer, of_layer in enumerate(result.cells[0].induction_strength if result.cells else [])
        for head in range(len(of_layer))
    ]
    yield (*_COLUMNS, *heads)
    for cell in result.cells:
        yield (*(getattr(cell, name) for name in _COLUMNS), *_strengths(cell))


def _strengths(cell: CellRead) -> list[float]:
    return [value for layer in cell.induction_strength for value in layer]


def list_analyses(
    session: Session, *, run_id: str | None, cursor: str | None, limit: int
) -> AnalysisPage:
    """The newest first."""
    after = None if cursor is None else _place(cursor)
    found = analyses.page_of(session, run_id=run_id, after=after, limit=limit + 1)
    page = found[:limit]
    more = len(found) > limit
    last = page[-1] if more else None
    return AnalysisPage(
        analyses=[read_analysis(one) for one in page],
        next_cursor=write_cursor([last.created_at.isoformat(), last.id]) if last else None,
    )


def _place(cursor: str) -> tuple[datetime, str]:
    try:
        at, analysis_id = read_cursor(cursor)
        return datetime.fromisoformat(at), analysis_id
    except ValueError:
        raise Invalid("This is no cursor of a list of analyses.", loc="query/cursor") from None


def dry_run(session: Session, run: Run, request: AnalysisRequest) -> AnalysisDryRun:
    """What a launch would do."""
    plan = make_plan(session, run, request)
    parts = parts_of(request, plan, RunConfig.model_validate(run.config))
    existing = analyses.with_key(session, cache_key(run, request, plan))
    first = plan.checkpoints[0]
    return AnalysisDryRun(
        request=request,
        checkpoints=[one.sequences for one in plan.checkpoints],
        cells=[cell.name for part in parts if part.checkpoint == first for cell in part.cells],
        parts=len(parts),
        seconds=SECONDS_A_CELL * sum(len(part.cells) for part in parts),
        existing=existing.id if existing else None,
    )
