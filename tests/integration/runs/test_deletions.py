"""Many runs changed or deleted at once, and studies with theirs, while others want their rows."""

from datetime import timedelta

import pytest
from sqlalchemy import event, update

from app.db import lineage
from app.db.engine import session_scope
from app.db.models import Run, StudyRunRow
from app.schemas.api.bulk import BulkAction, BulkRequest
from app.schemas.state import RunState
from app.services.runs import bulk
from app.services.runs.deletion import Disposal, lock_deleting
from app.services.runs.outbox import transaction
from tests.integration.support.locks import collision
from tests.integration.support.rows import new_run

STUDIES = "/api/v1/studies"
SEEDS = {"field": "seeds.initial", "values": [5, 6]}


def ended_study(client, engine) -> tuple[str, list[str]]:
    """A study of two runs that have ended; and their ids."""
    study = client.post(STUDIES, json={"axes": [SEEDS]}).json()
    end_all(engine)
    return study["id"], [run["id"] for run in study["runs"]]


def end_all(engine) -> None:
    with session_scope(engine) as session:
        session.execute(update(Run).values(state=RunState.FINISHED))


def how(settings) -> Disposal:
    return Disposal(settings.checkpoint_url, timedelta(days=1))


def statements_to(action: BulkAction, engine, outbox, settings, run_ids: list[str]) -> int:
    """How many it takes."""
    said: list[str] = []

    def hear(_connection, _cursor, statement, *_: object) -> None:
        said.append(statement)

    request = BulkRequest(runs=run_ids, action=action, tags=["keep"])
    event.listen(engine, "before_cursor_execute", hear)
    try:
        with transaction(engine, outbox) as session:
            assert bulk.act(session, request, how(settings)).changed == len(run_ids)
    finally:
        event.remove(engine, "before_cursor_execute", hear)
    return len(said)


@pytest.mark.parametrize("action", [BulkAction.DELETE, BulkAction.PURGE, BulkAction.TAG])
def test_many_runs_are_changed_by_as_many_statements_as_one(engine, outbox, settings, action):
    ids = [new_run(engine, outbox) for _ in range(12)]
    end_all(engine)

    many = statements_to(action, engine, outbox, settings, ids[1:])
    assert many == statements_to(action, engine, outbox, settings, ids[:1])


def test_a_study_and_its_runs_are_deleted_at_once_without_a_deadlock(
    client, engine, outbox, settings
):
    study, ids = ended_study(client, engine)
    request = BulkRequest(runs=ids, action=BulkAction.DELETE)

    with collision(engine) as meet:
        with transaction(engine, outbox) as session:
            lock_deleting(session)
            deletion = meet.begin(
                lambda: client.delete(f"{STUDIES}/{study}", params={"runs": True})
            )
            assert bulk.act(session, request, how(settings)).changed == len(ids)

        assert deletion.result(10).status_code == 204


def test_a_run_that_another_study_takes_up_at_that_moment_stays(client, engine):
    study, [kept, other] = ended_study(client, engine)
    later = client.post(STUDIES, json={"axes": [{**SEEDS, "values": [8, 9]}]}).json()["id"]

    with collision(engine) as meet:
        with session_scope(engine) as taking:
            lineage.keep_from_deletion(taking, [kept])
            deletion = meet.begin(
                lambda: client.delete(f"{STUDIES}/{study}", params={"runs": True})
            )
            place = {"place": 9, "name": "taken up", "values": {}, "is_reused": True}
            taking.add(StudyRunRow(study_id=later, run_id=kept, **place))

        assert deletion.result(10).status_code == 204
    statuses = [client.get(f"/api/v1/runs/{run_id}").status_code for run_id in (kept, other)]
    assert statuses == [200, 410]
