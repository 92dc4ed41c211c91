"""Analyses that are killed, hang, are cancelled or lose what they look at."""

import os
import signal
import subprocess
import threading
import time
from dataclasses import replace

from app.db.engine import session_scope
from app.db.models import Checkpoint
from app.services.analyses import attempts
from app.services.analyses.attempts import KEPT
from app.services.runs.outbox import transaction
from tests.integration.analyses.asking import API, asked, done, result
from tests.integration.support.wait import sweep, until
from worker.service.analyses import Analyses


def test_killed_in_the_middle_it_goes_on_with_the_next_part(
    api, run_id, settings, engine, outbox, worker
):
    analysis_id = asked(api, run_id, "wiring", checkpoints="all")
    turn = threading.Thread(target=worker.attend_one)
    turn.start()
    until(lambda: done(engine, analysis_id) >= 2, seconds=60)
    os.kill(analyst(analysis_id), signal.SIGKILL)
    turn.join()
    before = done(engine, analysis_id)

    assert api.get(f"{API}/{analysis_id}").json()["state"] == "lost"
    assert worker.attend_one()

    found = result(api, analysis_id)
    assert api.get(f"{API}/{analysis_id}").json()["attempt"] == 2
    assert 2 <= before < api.get(f"{API}/{analysis_id}").json()["total"]
    names = [(cell["checkpoint"], cell["name"]) for cell in found["cells"]]
    assert len(names) == len(set(names)) == 5 * (3 + 4 * 9)


def analyst(analysis_id: str) -> int:
    """The process that does it."""
    found = subprocess.run(
        ["pgrep", "-x", analysis_id],  # as `top` calls it
        capture_output=True,
        text=True,
        check=True,
    )
    return int(found.stdout.split()[0])


class Hanging:
    """A process that has begun, and does nothing."""

    returncode: int | None = None

    def has_exited(self, seconds: float) -> bool:
        time.sleep(seconds)
        return self.returncode is not None

    def kill(self) -> None:
        self.returncode = -signal.SIGKILL


def test_one_that_hangs_is_ended_and_waits_to_be_done_again(
    api, run_id, settings, engine, outbox, worker, monkeypatch
):
    analysis_id = asked(api, run_id, "wiring", checkpoints=[0, 5024, 15_008])
    impatient = settings.model_copy(update={"stall_seconds": 0.3})

    def begins_and_hangs(_: Analyses, turn: attempts.Turn) -> Hanging:
        with transaction(engine, outbox) as session:
            assert attempts.begin(session, turn)
        return Hanging()

    begun = time.monotonic()
    with monkeypatch.context() as hanging:
        hanging.setattr(Analyses, "_start", begins_and_hangs)
        assert replace(worker, settings=impatient).attend_one()
    assert time.monotonic() - begun < 30, "it was awaited"
    assert api.get(f"{API}/{analysis_id}").json()["state"] == "lost"
    assert api.post(f"{API}/{analysis_id}/cancel").status_code == 202  # or it waits for others here


def test_a_cancel_is_heard_within_two_seconds(api, run_id, engine, worker):
    analysis_id = asked(api, run_id, "wiring", checkpoints=[0, 5024, 10_016])
    turn = threading.Thread(target=worker.attend_one)
    turn.start()
    until(lambda: done(engine, analysis_id) >= 1, seconds=60)

    assert api.post(f"{API}/{analysis_id}/cancel").status_code == 202
    until(lambda: api.get(f"{API}/{analysis_id}").json()["state"] == "cancelled", seconds=2)
    turn.join()

    assert api.post(f"{API}/{analysis_id}/cancel").status_code == 202
    assert api.delete(f"{API}/{analysis_id}").status_code == 204
    assert api.get(f"{API}/{analysis_id}").status_code == 404


def test_a_checkpoint_that_went_is_one_sentence(api, run_id, engine, worker):
    analysis_id = asked(api, run_id, "ablation_grid", checkpoints=[15_008])
    with session_scope(engine) as session:
        session.delete(session.get(Checkpoint, (run_id, 15_008)))
    assert worker.attend_one()

    read = api.get(f"{API}/{analysis_id}").json()
    assert (read["state"], read["error_kind"]) == ("failed", "checkpoint")
    assert read["error_message"] == (
        f"The checkpoint of run {run_id} at 15,008 sequences was deleted since the analysis was "
        "launched; launch it again."
    )


def test_a_worker_that_went_silent_loses_it(api, run_id, engine, outbox, worker):
    analysis_id = asked(api, run_id, "exhaustive", checkpoints=[10_016])
    with transaction(engine, outbox) as session:
        taken = attempts.claim(session, worker="gone@there", lease_seconds=0)
    assert taken is not None

    sweep(engine, outbox, also=[KEPT])

    assert api.get(f"{API}/{analysis_id}").json()["state"] == "lost"
    assert worker.attend_one()
    assert result(api, analysis_id)["cells"]
    with transaction(engine, outbox) as session:
        assert not attempts.keep(session, taken, 0, {}), "an older attempt writes nothing"
