"""Studies: launch, cancel, pause, resume, rename, delete: always all of their runs."""

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy.orm import Session

from app.db import access, lineage
from app.db import studies as rows
from app.db.models import Run, Study, StudyRunRow
from app.errors import Conflict, NotFound
from app.schemas.access import Scope
from app.schemas.state import TERMINAL, RunState
from app.schemas.studies.request import StudyRequest
from app.services.runs import creation, lifecycle
from app.services.runs.deletion import Disposal, delete_runs, hold_for_deletion, or_raise
from app.services.runs.idempotency import once
from app.services.runs.permission import require
from app.services.studies.plan import NOTHING, StudyPlan, make_plan

_CANNOT_PAUSE = TERMINAL | {RunState.STOPPING}


def launch(
    session: Session,
    request: StudyRequest,
    key: str | None = None,
    *,
    joined: Mapping[str, str] = NOTHING,
) -> Study:
    """A new study; with a key that was used before for the same request, the study of then.

    `joined`: ids of runs by the hash of their config that join it, whether finished or not.
    """
    return once(
        session,
        key,
        f"study {request.model_dump_json()}",
        find=lambda answered: study_or_error(session, answered.study_id or ""),
        create=lambda: _create(session, request, joined),
    )


def _create(session: Session, request: StudyRequest, joined: Mapping[str, str]) -> Study:
    plan = _kept_plan(session, request, joined)
    study = Study(
        id=creation.new_id(),
        name=plan.name,
        tags=list(dict.fromkeys(request.tags)),
        notes=request.notes,
        request=request.model_dump(mode="json"),
        axes=[axis.model_dump() for axis in plan.axes],
    )
    new = {
        one.config_hash: creation.make_run(one.config, name=one.name[:200], tags=request.tags)
        for one in plan.new
    }
    for run in new.values():
        run.priority = request.priority
    session.add(study)
    # The planner takes turns by the rows of the study, which come in the same commit: no worker
    # can have a run before them.
    creation.enqueue_all(session, list(new.values()))
    session.add_all(_places(study, plan, {key: run.id for key, run in new.items()}))
    access.note(session, "launched a study", f"{study.name} ({study.id})")
    session.flush()
    return study


def _kept_plan(session: Session, request: StudyRequest, joined: Mapping[str, str]) -> StudyPlan:
    """The plan; what it needs cannot be deleted until the rows that name it are committed."""
    plan = make_plan(session, request, joined)
    # All in one statement, so in one order. Made again when one was deleted since: that one is
    # trained anew, or said to be missing.
    while not plan.needed <= (kept := lineage.keep_from_deletion(session, plan.needed).keys()):
        joined = {key: run_id for key, run_id in joined.items() if run_id in kept}
        plan = make_plan(session, request, joined)
    return plan


def _places(study: Study, plan: StudyPlan, new: dict[str, str]) -> list[StudyRunRow]:
    ids = plan.finished | new
    return [
        StudyRunRow(
            study_id=study.id,
            run_id=ids[one.config_hash],
            place=place,
            name=one.name,
            values=one.values,
            is_reused=one.config_hash in plan.finished,
        )
        for place, one in enumerate(plan.runs)
    ]


def study_or_error(session: Session, study_id: str) -> Study:
    """The study, or `NotFound`."""
    study = rows.study_by_id(session, study_id)
    if study is None:
        raise NotFound(f"There is no study {study_id!r}.")
    return study


def cancel(session: Session, study: Study) -> None:
    """Asks for every run that goes on to stop. Asking again changes nothing."""
    # All are locked before the first is moved: a worker cannot claim one that is to be cancelled,
    # and the states below stay what they are.
    _each(rows.locked_runs(session, study.id), lifecycle.request_cancel, session, TERMINAL)


def pause(session: Session, study: Study) -> None:
    """Asks for every run that goes on to be set aside. Asking again changes nothing."""
    found = _going(session, study, "pause")
    _each(found, lifecycle.request_pause, session, _CANNOT_PAUSE)


def resume(session: Session, study: Study) -> None:
    """Has every paused run go on. Asking again changes nothing."""
    found = _going(session, study, "resume")
    _each(found, lifecycle.resume, session, _CANNOT_PAUSE)


def _going(session: Session, study: Study, verb: str) -> Sequence[Run]:
    # Locked before it is looked whether any goes on: the answer then holds until the commit.
    found = rows.locked_runs(session, study.id)
    if all(RunState(run.state) in TERMINAL for run in found):
        raise Conflict(f"Every run of study {study.id} has ended; there is nothing to {verb}.")
    return found


def _each(
    found: Sequence[Run],
    act: Callable[[Session, Run], None],
    session: Session,
    left_alone: frozenset[RunState],
) -> None:
    for run in found:
        if RunState(run.state) not in left_alone:
            act(session, run)


def change_study(
    session: Session,
    study: Study,
    *,
    name: str | None = None,
    tags: Sequence[str] | None = None,
    notes: str | None = None,
) -> None:
    """Changes what people say about a study; None leaves a thing as it is."""
    if name is not None:
        study.name = name
    if tags is not None:
        study.tags = list(dict.fromkeys(tags))
    if notes is not None:
        study.notes = notes
    session.flush()


def delete_study(session: Session, study: Study, how: Disposal, *, with_runs: bool) -> None:
    """Forgets a study; `with_runs`: with the runs that it launched and no other study holds."""
    require(session, Scope.ADMIN)
    own = _own_runs(session, study) if with_runs else []
    access.note(session, "deleted a study", f"{study.name} ({study.id})")
    session.delete(study)
    session.flush()
    or_raise(delete_runs(session, own, how))


def _own_runs(session: Session, study: Study) -> list[str]:
    """The runs that the study launched and no other holds; none can change until they are gone."""
    # Before the study's rows, as all who delete: a deletion of its runs would wait for those, and
    # this one for the lock of the deleters. And before it is asked which others hold: a study that
    # takes one up at this moment is waited for.
    held = hold_for_deletion(session, rows.run_ids_of_study(session, study.id))
    others = rows.in_other_studies(session, study.id)
    found = [
        run.id
        for place, run in rows.runs_of_study(session, study.id)
        if not place.is_reused and run.id not in others
    ]
    going = [run_id for run_id in found if RunState(held[run_id].state) not in TERMINAL]
    if going:
        raise Conflict(
            f"{len(going)} of the runs of study {study.id} have not ended; cancel it first, then "
            "delete it, or delete the study alone."
        )
    return found
