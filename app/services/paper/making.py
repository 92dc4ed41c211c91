"""Making a figure: a study of its runs that are neither finished nor under way, and the analyses
that it shows, which wait for them."""

from collections.abc import Sequence

from pydantic import JsonValue
from sqlalchemy.orm import Session

from app.db.locks import lock
from app.errors import Conflict
from app.schemas.analyses.kinds import AnalysisRequest
from app.schemas.analyses.presets import preset_by_id
from app.schemas.api.runs import Estimate
from app.schemas.api.studies import StudyEstimate
from app.schemas.paper.figure import FigureAnalysis, PaperFigure
from app.schemas.paper.read import PaperMade
from app.schemas.paper.registry import FIGURES
from app.schemas.studies.expansion import ExpandedRun
from app.schemas.studies.request import StudyRequest, StudyRun
from app.services.analyses import lifecycle as questions
from app.services.analyses.plan import seconds_of
from app.services.costs.estimates import estimate as cost_of
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
    asked, launched = runs.unasked, len(runs.missing) + len(runs.unnamed)
    made = PaperMade(
        figure=figure.id,
        study_id=None,
        launched=launched,
        reused=runs.count - launched,
        analyses=len(asked),
        analysis_seconds=sum(_seconds(figure, one) for one in asked),
        estimate=None,
    )
    if launched:
        made = _trained(session, runs, made, dry_run=dry_run)
    if asked and not dry_run:
        _ask(session, figure, asked)
    return made


def _trained(session: Session, runs: FigureRuns, made: PaperMade, *, dry_run: bool) -> PaperMade:
    known = runs.missing or runs.unnamed[:1]
    plan = read_plan(session, make_plan(session, _request(runs, known)))
    estimate = plan.estimate
    for run in runs.unnamed if runs.missing else runs.unnamed[1:]:
        estimate = _with(estimate, cost_of(session, run.config))
    study_id = None if dry_run else _launched(session, runs)
    return made.model_copy(update={"study_id": study_id, "estimate": estimate})


def _with(whole: StudyEstimate, one: Estimate) -> StudyEstimate:
    """The cost with a run more, which is not told from others before its donor is known."""
    added = {
        "new_runs": whole.new_runs + 1,
        "sequences": whole.sequences + round(one.seconds * one.sequences_per_second),
        "seconds": whole.seconds + one.seconds / one.side_by_side,
    }
    names = ("measurements", "checkpoints", "checkpoint_bytes")
    added |= {name: getattr(whole, name) + getattr(one, name) for name in names}
    return whole.model_copy(update=added)


def _launched(session: Session, runs: FigureRuns) -> str:
    """The study of what is missing. What is grafted names its donors, which come first; it waits
    for them, and is a study of its own."""
    ids = []
    if runs.missing:
        ids.append(lifecycle.launch(session, _request(runs, runs.missing)).id)
    if runs.unnamed:
        [named] = runs_of(session, [runs.figure])
        ids.append(lifecycle.launch(session, _request(named, named.missing)).id)
    return ids[-1]


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


def _request(runs: FigureRuns, missing: Sequence[ExpandedRun]) -> StudyRequest:
    """A study of these runs of a figure."""
    whole = runs.figure.request
    assert whole is not None
    wanted = [StudyRun(name=run.name, changes=_config(run)) for run in missing]
    return whole.model_copy(update={"runs": wanted})


def _config(run: ExpandedRun) -> dict[str, JsonValue]:
    """All of its config: the base of a figure's study is the default one."""
    whole: dict[str, JsonValue] = run.config.model_dump(mode="json")
    return whole
