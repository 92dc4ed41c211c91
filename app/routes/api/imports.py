"""REST: runs from configs of the published code."""

from fastapi import APIRouter, Response

from app.dependencies import SessionDep
from app.routes.answers import CONFLICT, Answers
from app.routes.api.runs import DryRunQuery, IdempotencyKey
from app.schemas.api.imports import ImportDryRun, ImportedRun, ImportRequest
from app.services.runs import imports

router = APIRouter(tags=["runs"])

IMPORTED: Answers = {
    **CONFLICT,
    200: {"model": ImportDryRun, "description": "`dry_run`: nothing was launched"},
    202: {
        "model": ImportedRun,
        "description": "The run is queued",
        "headers": {"Location": {"schema": {"type": "string"}}},
    },
}


# The models of the answers are said in `IMPORTED`, by status.
@router.post("/runs/import", status_code=202, response_model=None, responses=IMPORTED)
def import_run(
    request: ImportRequest,
    session: SessionDep,
    response: Response,
    dry_run: DryRunQuery = False,
    idempotency_key: IdempotencyKey = None,
) -> ImportedRun | ImportDryRun:
    """Launch a run from a config of the paper's published code.

    Options of the same meaning are taken over, clamps included. What decides nothing here is
    listed as `ignored` with the reason; what is not the same all the same, as `differs`. An option
    without which it would be another experiment is refused at its name.
    """
    if dry_run:
        response.status_code = 200
        return imports.dry_run(session, request)
    run = imports.launch_import(session, request, idempotency_key)
    response.headers["Location"] = f"/api/v1/runs/{run.id}"
    return imports.read_imported(session, run, request)
