"""Making a figure: a study of its runs that are neither finished nor under way."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db.locks import lock
from app.errors import Conflict
from app.schemas.paper.figure import PaperFigure
from app.schemas.paper.read import PaperMade
from app.schemas.studies.expansion import ExpandedRun
from app.schemas.studies.request import StudyRequest
from app.services.paper.state import runs_of
from app.services.studies import lifecycle
from app.services.studies.plan import make_plan, read_plan


def make(session: Session, figure: PaperFigure) -> PaperMade:
    """Launches what is missing; with nothing missing, nothing. `Conflict` if it has no runs."""
    # Two clicks at once, or of two figures that share runs, would both find a run missing.
    lock(session, "making a figure of the paper")
    return _made(session, figure, dry_run=False)


def cost(session: Session, figure: PaperFigure) -> PaperMade:
    """What making it would launch."""
    return _made(session, figure, dry_run=True)


def _made(session: Session, figure: PaperFigure, *, dry_run: bool) -> PaperMade:
    if figure.request is None:
        raise Conflict(f"{figure.name} is not made from runs that can be launched here.")
    [runs] = runs_of(session, [figure])
    reused = len(figure.runs) - len(runs.missing)
    if not runs.missing:
        return PaperMade(study_id=None, launched=0, reused=reused, estimate=None)
    request = _request(figure.request, runs.missing)
    plan = read_plan(session, make_plan(session, request))
    study_id = None if dry_run else lifecycle.launch(session, request).id
    return PaperMade(
        study_id=study_id, launched=len(runs.missing), reused=reused, estimate=plan.estimate
    )


def _request(whole: StudyRequest, missing: Sequence[ExpandedRun]) -> StudyRequest:
    """The same study of the missing runs alone."""
    places = {int(run.pointer.split("/")[2]) for run in missing}  # /runs/3/changes
    kept = [run for place, run in enumerate(whole.runs) if place in places]
    return whole.model_copy(update={"runs": kept})
