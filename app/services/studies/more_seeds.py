"""A run once more with further seeds: the study that holds it and its equals beside each other."""

from sqlalchemy.orm import Session

from app.db import locks
from app.db import studies as rows
from app.db.models import Run, Study
from app.errors import Conflict
from app.schemas.config import SEED_END, RunConfig
from app.schemas.state import RunState
from app.schemas.studies.request import StudyAxis, StudyRequest
from app.services.runs.data_files import check_data_file
from app.services.studies import lifecycle

FURTHER = 4
FIELD = "seeds.initial"
_STOPPED = (RunState.FAILED, RunState.CANCELLED)


def launch_more_seeds(session: Session, run: Run) -> Study:
    """The run with `FURTHER` more of its config; again the same study, as long as none of those
    was stopped. `Conflict` for a fork, `Invalid` for a data file that is not that of the run."""
    if run.forked_at is not None:
        raise Conflict(
            f"{run.name} was forked: its weights came from its parent, and no seed changes them. "
            "Repeat the run that it was forked from with more seeds."
        )
    config = RunConfig.model_validate(run.config)
    request = _request(run, config)
    # A button that is pressed twice must not train everything twice.
    locks.lock(session, f"more seeds of {run.id}")
    if launched := _launched(session, run, request):
        return launched
    # As it began with: curves of two different files would be no seeds of one config.
    check_data_file(session, config, known=run.data_sha256)
    return lifecycle.launch(session, request, joined={config.config_hash: run.id})


def _request(run: Run, config: RunConfig) -> StudyRequest:
    first = config.seeds.initial
    seeds = [(first + more) % SEED_END for more in range(FURTHER + 1)]
    name = f"{run.name[:180]}: {FURTHER + 1} seeds"
    axis = StudyAxis(field=FIELD, values=[*seeds])
    return StudyRequest(name=name, tags=run.tags, base=config, axes=[axis])


def _launched(session: Session, run: Run, request: StudyRequest) -> Study | None:
    """The study of before, unless one of its further runs was stopped."""
    asked = request.model_dump(mode="json", include={"base", "axes"})
    for study in rows.studies_of(session, run.id):
        if {name: study.request.get(name) for name in asked} == asked:
            others = [one for _, one in rows.runs_of_study(session, study.id) if one.id != run.id]
            if len(others) == FURTHER and all(one.state not in _STOPPED for one in others):
                return study
    return None
