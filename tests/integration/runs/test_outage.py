"""An outage of Postgres longer than a lease; no reaper is about but the one that is watched."""

from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from app.db import claims
from app.db.claims import Claim
from app.db.models import INCLUDING_DELETED, Run
from app.services.runs.attempts import claim
from app.services.runs.outbox import transaction
from app.services.runs.reaper import Reaper
from tests.integration.support.recorded import state
from tests.integration.support.rows import new_run
from tests.integration.support.wait import until


def test_who_renews_after_an_outage_longer_than_the_lease_keeps_its_run(engine, outbox, servers):
    run_id = new_run(engine, outbox)
    sweeps: list[int] = []
    event.listen(engine, "commit", lambda _: sweeps.append(1))
    reaper = Reaper(engine, outbox, every_seconds=0.05, grace_seconds=3)
    with transaction(engine, outbox) as session:
        claim(session, [run_id], worker="w1", lease_seconds=0.5)
    reaper.start()
    try:
        servers.postgres.kill()
        servers.postgres.restart()
        until(lambda: _has_expired(engine, run_id))
        since = len(sweeps)
        until(lambda: len(sweeps) > since + 4)
        with Session(engine) as session, session.begin():
            held = claims.hold_all(session, [Claim(run_id, 1)])
            claims.renew(session, list(held), 60)
    finally:
        reaper.stop()

    assert state(engine, run_id) == "starting"


def _has_expired(engine, run_id) -> bool:
    query = select(Run.lease_until < func.clock_timestamp()).where(Run.id == run_id)
    with engine.connect() as connection:
        return connection.execute(query, execution_options=INCLUDING_DELETED).scalar_one()
