"""Which runs go into an archive: those that are asked for, and those that they take layers from."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.db import runs, studies
from app.db.models import Run, Study
from app.schemas.config import RunConfig
from app.services.runs.grafts import donors_of


def with_donors(session: Session, chosen: Sequence[Run]) -> list[str]:
    """The runs, each after those that it cannot be repeated without."""
    found: dict[str, Run] = {}
    waiting = list(chosen)
    while waiting:
        run = waiting.pop()
        if run.id not in found:
            found[run.id] = run
            donors = donors_of(RunConfig.model_validate(run.config))
            waiting += runs.runs_by_id(session, donors).values()
    asked = [run.id for run in chosen]
    return [*sorted(found.keys() - asked), *asked]


def of_study(session: Session, study: Study) -> list[str]:
    """The runs of a study, with their donors."""
    return with_donors(session, [run for _, run in studies.runs_of_study(session, study.id)])
