"""REST: cancelling, pausing and resuming runs."""

import pytest

from app.schemas.api.events import TRAIN_QUEUE
from app.schemas.state import RunState
from tests.integration.support.rows import moved, new_run

RUNS = "/api/v1/runs"

RUNS = "/api/v1/runs"


def test_cancelling_a_waiting_run_ends_it_at_once_and_twice_is_no_error(client, engine, outbox):
    run_id = new_run(engine, outbox)

    first, second = (client.post(f"{RUNS}/{run_id}/cancel") for _ in range(2))

    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["state"] == second.json()["state"] == "cancelled"
    kinds = [one["kind"] for one in client.get(f"{RUNS}/{run_id}/timeline").json()["events"]]
    assert kinds == ["queued", "cancelled"]


def test_cancelling_a_running_run_asks_its_trainer(client, engine, outbox):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)

    run = client.post(f"{RUNS}/{run_id}/cancel").json()

    assert run["state"] == "stopping"
    assert run["cancel_requested_at"] is not None


def test_pausing_a_waiting_run_holds_it_until_it_is_resumed(client, engine, outbox):
    run_id = new_run(engine, outbox)
    outbox.redis.delete(TRAIN_QUEUE)

    paused = [client.post(f"{RUNS}/{run_id}/pause") for _ in range(2)]
    announced = outbox.waiting()
    resumed = [client.post(f"{RUNS}/{run_id}/resume") for _ in range(2)]

    assert [one.status_code for one in (*paused, *resumed)] == [202] * 4
    assert [one.json()["state"] for one in (*paused, *resumed)] == ["paused"] * 2 + ["queued"] * 2
    assert (announced, outbox.waiting()) == (0, 1)
    kinds = [one["kind"] for one in client.get(f"{RUNS}/{run_id}/timeline").json()["events"]]
    assert kinds == ["queued", "paused", "queued"]


def test_a_pause_is_asked_of_the_trainer_and_can_be_taken_back_or_become_a_cancel(
    client, engine, outbox
):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)

    asked = ["pause", "resume", "pause", "cancel"]
    states = [client.post(f"{RUNS}/{run_id}/{verb}").json()["state"] for verb in asked]

    assert states == ["pausing", "running", "pausing", "stopping"]


def test_a_paused_run_can_be_cancelled_but_not_deleted(client, engine, outbox):
    run_id = new_run(engine, outbox)
    client.post(f"{RUNS}/{run_id}/pause")

    assert client.delete(f"{RUNS}/{run_id}").status_code == 409
    assert client.post(f"{RUNS}/{run_id}/cancel").json()["state"] == "cancelled"


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_finished_runs_can_be_neither_paused_nor_resumed(client, engine, outbox, verb):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)

    answer = client.post(f"{RUNS}/{run_id}/{verb}")

    assert answer.status_code == 409
    assert f"Run {run_id} is finished" in answer.json()["detail"]


def test_finished_runs_cannot_be_cancelled(client, engine, outbox):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)

    answer = client.post(f"{RUNS}/{run_id}/cancel")

    assert answer.status_code == 409
    assert "already finished" in answer.json()["detail"]
