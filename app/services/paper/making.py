"""Making a figure: a study of its runs that are neither finished nor under way, and the analyses
that it shows, which wait for them."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db.locks import lock
from app.errors import Conflict
from app.schemas.analyses.kinds import AnalysisRequest
from app.schemas.analyses.presets import preset_by_id
from app.schemas.paper.figure import FigureAnalysis, PaperFigure
from app.schemas.paper.read import PaperMade
from app.schemas.paper.registry import FIGURES
from app.schemas.studies.expansion import ExpandedRun
from app.schemas.studies.request import StudyRequest
from app.services.analyses import lifecycle as questions
from app.services.analyses.plan import seconds_of
from app.services.paper.state import FigureRuns, runs_of
from app.services.runs.lifecycle import run_or_error
from app.services.studies import lifecycle
from app.services.studies.plan import make_plan, read_plan


def make(session: Session, figure: PaperFigure) -> PaperMade:
    """Launches what is missing; with nothing missing, nothing. `Conflict` if it has no runs."""
    # Two clicks at once, or of two figures that share runs, would both find a run missing.
    lock(session, "making a figure of the paper")
    return _made(session, figure, dry_run=False)


def make_all(session: Session) -> list[PaperMade]:
    """Every figure but those that need many seeds, in the order of the paper."""
    return [make(session, one) for one in FIGURES if one.request and not one.is_large]


def cost(session: Session, figure: PaperFigure) -> PaperMade:
    """What making it would launch."""
    return _made(session, figure, dry_run=True)


def _made(session: Session, figure: PaperFigure, *, dry_run: bool) -> PaperMade:
    if figure.request is None:
        raise Conflict(f"{figure.name} is not made from runs that can be launched here.")
    [runs] = runs_of(session, [figure])
    asked = runs.unasked
    made = PaperMade(
        figure=figure.id,
        study_id=None,
        launched=len(runs.missing),
        reused=len(figure.runs) - len(runs.missing),
        analyses=len(asked),
        analysis_seconds=sum(_seconds(figure, one) for one in asked),
        estimate=None,
    )
    if runs.missing:
        made = _trained(session, runs, made, dry_run=dry_run)
    if asked and not dry_run:
        _ask(session, figure, asked)
    return made


def _trained(session: Session, runs: FigureRuns, made: PaperMade, *, dry_run: bool) -> PaperMade:
    assert runs.figure.request is not None
    request = _request(runs.figure.request, runs.missing)
    plan = read_plan(session, make_plan(session, request))
    study_id = None if dry_run else lifecycle.launch(session, request).id
    return made.model_copy(update={"study_id": study_id, "estimate": plan.estimate})


def _ask(session: Session, figure: PaperFigure, asked: Sequence[FigureAnalysis]) -> None:
    [runs] = runs_of(session, [figure])  # with those that were launched just now
    for one in asked:
        run = run_or_error(session, runs.by_name[one.run].id)
        questions.launch(session, run, _question(one, run.id))


def _question(one: FigureAnalysis, run_id: str) -> AnalysisRequest:
    preset = preset_by_id(one.preset)
    assert preset is not None  # the registry's tests hold it
    return preset.request(run_id).model_copy(update={"after_training": True})


def _seconds(figure: PaperFigure, one: FigureAnalysis) -> float:
    run = next(run for run in figure.runs if run.name == one.run)
    return seconds_of(run.config, _question(one, ""))


def _request(whole: StudyRequest, missing: Sequence[ExpandedRun]) -> StudyRequest:
    """The same study of the missing runs alone."""
    places = {int(run.pointer.split("/")[2]) for run in missing}  # /runs/3/changes
    kept = [run for place, run in enumerate(whole.runs) if place in places]
    return whole.model_copy(update={"runs": kept})
