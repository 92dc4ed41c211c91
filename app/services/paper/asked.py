"""The analyses that figures show: found by what was asked of their runs, whoever asked."""

from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy.orm import Session

from app.db import analyses
from app.db.models import Analysis
from app.schemas.analyses.presets import PRESETS, AnalysisPreset
from app.schemas.state import TERMINAL, RunState

Asked = tuple[str, str]  # of a run, by its id; a preset, by its id


class FoundAnalysis(NamedTuple):
    """An analysis as it stands."""

    id: str
    state: RunState
    done: int
    total: int

    @property
    def is_there(self) -> bool:
        """Whether it is answered, or will be."""
        return self.state is RunState.FINISHED or self.state not in TERMINAL


def found_analyses(session: Session, run_ids: Collection[str]) -> dict[Asked, FoundAnalysis]:
    """For every preset that was asked of these runs: the latest that has finished, else the latest
    that goes on, else the latest."""
    rows = analyses.of_runs(session, run_ids)
    return {asked: _found(row) for row in sorted(rows, key=_rank) for asked in _asks(row)}


def _rank(row: Analysis) -> int:
    """The best comes last, and stays in the dict; sorting keeps the order of time."""
    return 2 if row.state == RunState.FINISHED else int(row.state not in TERMINAL)


def _asks(row: Analysis) -> Iterable[Asked]:
    asked = _question(row.request)
    return ((row.run_id, one.id) for one in PRESETS if _of(one, row.run_id) == asked)


def _of(preset: AnalysisPreset, run_id: str) -> dict[str, Any]:
    return _question(preset.request(run_id).model_dump(mode="json"))


def _question(request: dict[str, Any]) -> dict[str, Any]:
    """What is asked: not when. What older requests did not say is as it is by default."""
    return {name: value for name, value in request.items() if name != "after_training"}


def _found(row: Analysis) -> FoundAnalysis:
    return FoundAnalysis(row.id, RunState(row.state), row.done, row.total)
