"""Launching runs from configs of the published code."""

from sqlalchemy.orm import Session

from app.db.models import Run
from app.schemas.published_api import ImportDryRun, ImportedRun, ImportRequest
from app.services import launch
from app.services.reading import read_whole_run


def dry_run(session: Session, request: ImportRequest) -> ImportDryRun:
    """What an import would launch."""
    said = launch.dry_run(session, request.launch)
    return ImportDryRun(**said.__dict__, **_left_out(request))


def launch_import(session: Session, request: ImportRequest, key: str | None) -> Run:
    """A new run; with a key that was used before for the same request, the run of that time."""
    return launch.launch(session, request.launch, key)


def read_imported(session: Session, run: Run, request: ImportRequest) -> ImportedRun:
    """The run as the API says it, with what was left out."""
    return ImportedRun(**read_whole_run(session, run).__dict__, **_left_out(request))


def _left_out(request: ImportRequest) -> dict[str, object]:
    return {"ignored": request.imported.ignored, "differs": request.imported.differs}
