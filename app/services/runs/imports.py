"""Launching runs from configs of the published code."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from app.db.models import Run
from app.errors import Invalid
from app.schemas.api.imports import ImportDryRun, ImportedRun, ImportRequest
from app.schemas.published.program import option_of
from app.services.runs import launching
from app.services.runs.run_read import read_whole_run

PROGRAM = "/config/program/"  # where a launch points to a clamp


def dry_run(session: Session, request: ImportRequest) -> ImportDryRun:
    """What an import would launch."""
    with _at_options(request):
        said = launching.dry_run(session, request.launch)
    return ImportDryRun(**said.__dict__, **_left_out(request))


def launch_import(session: Session, request: ImportRequest, key: str | None) -> Run:
    """A new run; with a key that was used before for the same request, the run of that time."""
    with _at_options(request):
        return launching.launch(session, request.launch, key)


def read_imported(session: Session, run: Run, request: ImportRequest) -> ImportedRun:
    """The run as the API says it, with what was left out."""
    return ImportedRun(**read_whole_run(session, run).__dict__, **_left_out(request))


@contextmanager
def _at_options(request: ImportRequest) -> Iterator[None]:
    """Says at the option what is wrong with a clamp: the request has no program to point into."""
    try:
        yield
    except Invalid as error:
        before, found, after = error.loc.partition(PROGRAM)
        if before or not found:
            raise
        option = option_of(request.imported.config.program[int(after.partition("/")[0])])
        _, _, reason = error.detail.partition(": ")
        raise Invalid(f"{option}: {reason}", loc=f"/config/{option}") from None


def _left_out(request: ImportRequest) -> dict[str, object]:
    return {"ignored": request.imported.ignored, "differs": request.imported.differs}
