"""The page of an analysis, and the card of a run's page that offers them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.db import analyses
from app.db.models import Analysis, Run
from app.errors import NotFound
from app.schemas.analyses.kinds import (
    REQUEST,
    AblationGrid,
    AnalysisRequest,
    Perfected,
    ProgramSet,
)
from app.schemas.analyses.presets import PRESETS, AnalysisPreset
from app.schemas.analyses.read import AnalysisRead, AnalysisResult, CellRead
from app.schemas.config import RunConfig
from app.services.analyses.analysis_read import read_analysis, read_result
from app.services.analyses.drawing.figure import analysis_figure
from app.services.runs.lifecycle import run_or_error

BUSY_SECONDS = 1
LISTED = 12  # on a run's page
TITLES = {
    "exhaustive": "All sequences of the task",
    "ablation_grid": "Heads removed and kept",
    "wiring": "Wiring of two layers",
    "perfected": "Programs of your own",
}
SETS: dict[ProgramSet, str] = {
    "perfect_match": "Each head with a perfect match",
    "sub_circuits": "Progress of sub-circuits",
    "ways_to_output": "Ways to the output",
    "previous_token_sets": "Without the heads that look back",
}


@dataclass(frozen=True)
class AnalysisStatus:
    """What changes while it goes on."""

    analysis: AnalysisRead
    title: str
    said: str
    share: float
    refresh_seconds: int
    can_cancel: bool
    cells: Sequence[CellRead]
    result: AnalysisResult


@dataclass(frozen=True)
class AnalysisPageContext(AnalysisStatus):
    """Context of `analyses/page.html`."""

    run_id: str
    run_name: str
    under: str
    awaited: str
    request_json: str
    page_data: dict[str, Any]


@dataclass(frozen=True)
class AnalysisRow:
    """An analysis in the list of a run's page."""

    id: str
    title: str
    detail: str
    state: str
    done: int
    total: int


def analysis_status(session: Session, analysis: Analysis) -> AnalysisStatus:
    """How far it is, and the table of what it has found."""
    read, result = read_analysis(analysis), read_result(session, analysis)
    return AnalysisStatus(
        analysis=read,
        title=title_of(read.request),
        said=_said(read),
        share=read.done / read.total if read.total else 0.0,
        refresh_seconds=0 if read.is_terminal else BUSY_SECONDS,
        can_cancel=not read.is_terminal and read.state != "stopping",
        cells=result.cells,
        result=result,
    )


def analysis_page(session: Session, analysis: Analysis) -> AnalysisPageContext:
    """Everything that the page shows."""
    status = analysis_status(session, analysis)
    run = run_or_error(session, analysis.run_id)
    url = f"/api/v1/analyses/{analysis.id}"
    return AnalysisPageContext(
        **{name: getattr(status, name) for name in AnalysisStatus.__dataclass_fields__},
        run_id=run.id,
        run_name=run.name,
        under=_under(status.analysis.request, run),
        awaited="" if status.cells else "The figure appears here as parts are done.",
        request_json=status.analysis.request.model_dump_json(indent=2),
        page_data={
            "figure_url": f"{url}/figure",
            "figure": analysis_figure(analysis.kind, status.result),
        },
    )


def analyses_of_run(session: Session, run: Run) -> list[AnalysisRow]:
    """The latest of a run."""
    found = analyses.page_of(session, run_id=run.id, after=None, limit=LISTED)
    return [_row(one) for one in found]


def presets_for(config: RunConfig) -> list[AnalysisPreset]:
    """What a run of this size can be asked."""
    return [preset for preset in PRESETS if preset.fits(config.model)]


def preset_request(preset_id: str, run_id: str) -> AnalysisRequest:
    """The question of a preset about a run."""
    found = next((one for one in PRESETS if one.id == preset_id), None)
    if found is None:
        raise NotFound(f"There is no analysis called {preset_id!r}.")
    return found.request(run_id)


def title_of(request: AnalysisRequest) -> str:
    """The question in some words."""
    if isinstance(request, AblationGrid) and "add_back" in request.acts:
        return "Heads added back"
    if isinstance(request, Perfected) and not isinstance(request.programs, dict):
        return SETS[request.programs]
    return TITLES[request.kind]


def _row(one: Analysis) -> AnalysisRow:
    request = REQUEST.validate_python(one.request)
    count = len(read_analysis(one).checkpoints)
    acts = ", ".join(getattr(request, "acts", ())).replace("_", " ")
    many = f"{count} checkpoints" if count > 1 else "1 checkpoint"
    detail = f"{acts} · {many}" if acts else many
    return AnalysisRow(one.id, title_of(request), detail, one.state, one.done, one.total)


def _said(read: AnalysisRead) -> str:
    parts = f"{read.done} of {read.total} parts"
    if read.state == "queued" and not read.total:
        return "waits until its run is trained"
    if read.state == "queued":
        return f"{parts}; waits for a worker"
    return f"{parts}; its worker was lost, another goes on" if read.state == "lost" else parts


def _under(request: AnalysisRequest, run: Run) -> str:
    clamps = len(RunConfig.model_validate(run.config).program)
    if not clamps:
        return "The run has no clamps of its own."
    one = f"its {clamps} clamps" if clamps > 1 else "its clamp"
    if request.under_clamps:
        return f"The run's own clamps are part of the model: {one} stayed on."
    return f"The run's own clamps are off: the model is looked at without {one}."
