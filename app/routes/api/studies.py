"""REST: studies."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from fastapi.responses import StreamingResponse

from app.dependencies import ServicesDep, SessionDep, StudyDep
from app.routes.answers import CONFLICT, Answers, table_response, tables
from app.routes.api.runs import DryRunQuery, IdempotencyKey
from app.schemas.api.studies import StudyDryRun, StudyPage, StudyRead, WholeStudyRead
from app.schemas.studies.request import StudyPatch, StudyRequest
from app.services.studies import lifecycle
from app.services.studies.figure import MOST_COLUMNS, USUAL_COLUMNS, StudyView, study_figure
from app.services.studies.plan import make_plan, read_plan
from app.services.studies.study_read import list_studies, read_study, read_whole_study
from app.services.studies.table import study_lines

router = APIRouter(tags=["studies"])

MOST = 200
CSV = tables("text/csv")
LAUNCHED: Answers = {
    **CONFLICT,
    200: {"model": StudyDryRun, "description": "`dry_run`: nothing was launched"},
    202: {
        "model": WholeStudyRead,
        "description": "The runs are queued",
        "headers": {"Location": {"schema": {"type": "string"}}},
    },
}


# The models of the answers are said in `LAUNCHED`, by status.
@router.post("/studies", status_code=202, response_model=None, responses=LAUNCHED)
def launch_study(
    request: StudyRequest,
    session: SessionDep,
    response: Response,
    dry_run: DryRunQuery = False,
    idempotency_key: IdempotencyKey = None,
) -> WholeStudyRead | StudyDryRun:
    """Launch a study: one run for every combination of what varies.

    With `reuse_finished`, a run that has finished with the same config joins the study instead of
    being trained again.
    """
    if dry_run:
        response.status_code = 200
        return read_plan(session, make_plan(session, request))
    study = lifecycle.launch(session, request, idempotency_key)
    response.headers["Location"] = f"/api/v1/studies/{study.id}"
    return read_whole_study(session, study)


@router.get("/studies")
def get_studies(
    session: SessionDep,
    cursor: Annotated[str | None, Query(description="`next_cursor` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> StudyPage:
    """List studies, the newest first."""
    page, next_cursor = list_studies(session, cursor=cursor, limit=limit)
    return StudyPage(studies=page, next_cursor=next_cursor)


@router.get("/studies/{study_id}")
def get_study(study: StudyDep, session: SessionDep) -> WholeStudyRead:
    """One study, with its runs."""
    return read_whole_study(session, study)


@router.patch("/studies/{study_id}")
def patch_study(study: StudyDep, patch: StudyPatch, session: SessionDep) -> StudyRead:
    """Change name, tags or notes. Those of its runs stay."""
    lifecycle.change_study(session, study, name=patch.name, tags=patch.tags, notes=patch.notes)
    return read_study(session, study)


@router.delete("/studies/{study_id}", status_code=204, responses=CONFLICT)
def delete_study(
    study: StudyDep,
    session: SessionDep,
    made: ServicesDep,
    runs: Annotated[
        bool, Query(description="Also the runs that it launched and no other study holds")
    ] = False,
) -> None:
    """Delete a study: the list alone, or with `?runs=true` its runs too, once they have ended."""
    lifecycle.delete_study(session, study, made.disposal, with_runs=runs)


@router.get("/studies/{study_id}/request")
def get_study_request(study: StudyDep) -> StudyRequest:
    """What the study was launched with: launch it again, with changes."""
    return StudyRequest.model_validate(study.request)


def _drawn(
    metric: Annotated[str, Query(description="`METRIC.EVALUATOR`, or `strongest_induction`")] = (
        StudyView.metric
    ),
    group: Annotated[
        str | None, Query(description="The field of an axis, `each` or `all`; else what is usual")
    ] = None,
    view: Annotated[
        str, Query(description="`overlay`, or `panels`: a chart a group")
    ] = StudyView.view,
) -> StudyView:
    return StudyView(metric, group, view)


StudyViewDep = Annotated[StudyView, Depends(_drawn)]
ColumnsQuery = Annotated[int, Query(ge=1, le=MOST_COLUMNS, description="Of panels")]


@router.get("/studies/{study_id}/figure", summary="The curves of a study, for Plotly")
def get_study_figure(
    study: StudyDep,
    session: SessionDep,
    view: StudyViewDep,
    columns: ColumnsQuery = USUAL_COLUMNS,
) -> dict[str, Any]:
    """Traces and layout as plain JSON: `plotly.graph_objects.Figure(answer)` draws it.

    A group of several runs has its mean and, as an area, its range.
    """
    return study_figure(session, study, view, columns=columns)


@router.get("/studies/{study_id}/runs.csv", responses=CSV, response_class=StreamingResponse)
def get_study_table(study: StudyDep, session: SessionDep) -> Response:
    """Its runs as a table, a line each: what every axis is in it, where it stands, its training
    loss and where its phase change was. What a run lacks is empty.
    """
    lines = list(study_lines(read_whole_study(session, study)))
    return table_response(iter(lines), "text/csv", f"study-{study.id}.csv")


@router.post("/studies/{study_id}/cancel", status_code=202, responses=CONFLICT)
def cancel_study(study: StudyDep, session: SessionDep) -> StudyRead:
    """Ask for all of its runs to stop. Asking again changes nothing; what was reported stays."""
    lifecycle.cancel(session, study)
    return read_study(session, study)


@router.post("/studies/{study_id}/pause", status_code=202, responses=CONFLICT)
def pause_study(study: StudyDep, session: SessionDep) -> StudyRead:
    """Set all of its runs aside. Asking again changes nothing."""
    lifecycle.pause(session, study)
    return read_study(session, study)


@router.post("/studies/{study_id}/resume", status_code=202, responses=CONFLICT)
def resume_study(study: StudyDep, session: SessionDep) -> StudyRead:
    """Have its paused runs go on. Asking again changes nothing."""
    lifecycle.resume(session, study)
    return read_study(session, study)
