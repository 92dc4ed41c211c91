"""REST: runs and studies as archives, and archives as runs and studies."""

from typing import Annotated

from fastapi import APIRouter, File, Query, Response, UploadFile
from fastapi.responses import StreamingResponse

from app.dependencies import RunDep, Services, ServicesDep, SessionDep, StudyDep, TransactionsDep
from app.errors import Invalid
from app.routes.answers import CONFLICT, TableResponse, table_response, tables
from app.schemas.api.archives import ImportedArchive
from app.schemas.api.limits import MOST_RUNS_OF_TABLE
from app.services.archives.chosen import of_study, with_donors
from app.services.archives.writing import ArchiveWriter
from app.services.runs.lifecycle import runs_or_error

router = APIRouter(tags=["archives"])

ZIP = "application/zip"


@router.get("/runs/{run_id}/archive.zip", responses=tables(ZIP), response_class=TableResponse)
def get_run_archive(run: RunDep, session: SessionDep, made: ServicesDep) -> Response:
    """Everything of a run as one file, which `POST /archives` of another Optoscope reads; with the
    runs that it takes layers from.
    """
    return _sent(made, with_donors(session, [run]), [], run.id)


@router.get("/studies/{study_id}/archive.zip", responses=tables(ZIP), response_class=TableResponse)
def get_study_archive(study: StudyDep, session: SessionDep, made: ServicesDep) -> Response:
    """A study with all of its runs as one file."""
    return _sent(made, of_study(session, study), [study.id], study.id)


@router.get("/archive.zip", responses=tables(ZIP), response_class=TableResponse)
def get_archive(
    session: SessionDep,
    made: ServicesDep,
    runs: Annotated[
        list[str],
        Query(description=f"Ids of runs, separated by commas; {MOST_RUNS_OF_TABLE} at most"),
    ] = [],
    run: Annotated[list[str], Query(description="The same, one each, as forms send them")] = [],
) -> Response:
    """Several runs as one file."""
    ids = [one.strip() for part in (*runs, *run) for one in part.split(",") if one.strip()]
    if not 0 < len(ids) <= MOST_RUNS_OF_TABLE:
        raise Invalid(f"Name 1 to {MOST_RUNS_OF_TABLE} runs, by commas.", loc="query/runs")
    found = runs_or_error(session, list(dict.fromkeys(ids)))
    return _sent(made, with_donors(session, found), [], "runs")


@router.post("/archives", responses=CONFLICT)
def import_archive(
    archive: Annotated[UploadFile, File(description="The file, as `archive` of a form")],
    made: ServicesDep,
    begin: TransactionsDep,
) -> ImportedArchive:
    """Import an archive: all of it, or nothing.

    Ids stay, unless another run has them here. What is here already is left as it is, so that
    importing twice makes nothing twice. Runs that had not ended are set aside, for nobody to train
    unasked.
    """
    return made.importer(begin).run(archive.file)


def _sent(made: Services, run_ids: list[str], study_ids: list[str], name: str) -> StreamingResponse:
    writer = ArchiveWriter(made.engine, made.settings.data_dir, run_ids, study_ids)
    return table_response(writer.pieces(), ZIP, f"{name}.optoscope.zip")
