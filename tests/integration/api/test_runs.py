"""REST: launching, listing, changing, cancelling and deleting runs."""

import json
import math
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from app.db.models import IdempotencyKey, MeasurementRow, Run
from app.errors import Conflict
from app.schemas.api.events import TRAIN_QUEUE
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.services.runs.lifecycle import move, run_or_error
from app.services.runs.outbox import transaction
from tests.integration.support.rows import add, change, measurement, moved, new_run

RUNS = "/api/v1/runs"
ABLATE = {"kind": "ablate", "site": "L1H0,1.v"}


def test_launch_answers_202_with_the_place_of_a_queued_run(client):
    answer = client.post(RUNS, json={"name": " First ", "tags": ["a", "a", "b"]})

    assert answer.status_code == 202
    run = answer.json()
    assert answer.headers["Location"] == f"{RUNS}/{run['id']}"
    assert (run["state"], run["name"], run["tags"]) == ("queued", "First", ["a", "b"])
    assert run["chance_loss"] == pytest.approx(math.log(2))
    assert run["total_sequences"] == RunConfig().training.total_sequences
    assert client.get(answer.headers["Location"]).json()["config_hash"] == run["config_hash"]


def test_launch_sends_the_id_to_the_workers_queue(client, outbox):
    run = client.post(RUNS, json={}).json()

    [task] = outbox.redis.lrange(TRAIN_QUEUE, 0, -1)
    assert json.loads(task)["headers"]["argsrepr"] == repr([run["id"]])


def test_run_says_in_words_what_is_clamped(client):
    run = client.post(RUNS, json={"config": {"program": [ABLATE]}}).json()

    assert run["description"] == ["Layer 2, heads 0 and 1 are silenced: they write nothing."]
    assert run["name"] == "Ablate: layer 2, heads 0 and 1 · seed 5"


def test_dry_run_launches_nothing_and_says_what_it_would(client, engine, outbox):
    answer = client.post(f"{RUNS}?dry_run=true", json={"config": {"program": [ABLATE]}})

    assert answer.status_code == 200
    body = answer.json()
    config = RunConfig.model_validate(body["config"])
    assert body["config_hash"] == config.config_hash
    assert config.training == RunConfig().training
    assert body["estimate"]["sequences_per_second"] == 22_000
    assert "no run like this has been timed here yet" in body["estimate"]["based_on"]
    assert body["estimate"]["measurements"] == 201
    assert client.get(RUNS).json()["runs"] == []
    assert outbox.waiting() == 0


def timed(engine, run_id: str, rate: float) -> None:
    change(engine, run_id, sequences=600_000, sequences_per_second=rate)


def test_estimate_is_the_median_of_runs_alike(client, engine, outbox):
    wide = RunConfig.model_validate({"model": {"width": 128}})
    for rate in (1000.0, 3000.0, 2000.0):
        timed(engine, new_run(engine, outbox, RunConfig()), rate)
    timed(engine, new_run(engine, outbox, wide), 9.0)
    # Most of its time was starting: it does not say how long others will take.
    change(engine, new_run(engine, outbox, RunConfig()), sequences=9600, sequences_per_second=120.0)

    estimate = client.post(f"{RUNS}?dry_run=true", json={}).json()["estimate"]

    assert estimate["sequences_per_second"] == 2000
    assert estimate["seconds"] == RunConfig().training.total_sequences / 2000
    assert "the last 3 runs" in estimate["based_on"]


@pytest.mark.parametrize(
    ("body", "loc", "message"),
    [
        ({"config": {"model": {"heads": 0}}}, "/config/model/heads", "greater than or equal to 1"),
        ({"config": {"model": {"width": 65}}}, "/config/model", "not a multiple of 8 heads"),
        ({"config": {"program": [{"kind": "ablate", "site": "L5H0.v"}]}}, "/config/program/0", "5"),
        (
            {"config": {"program": [{"kind": "ablate", "site": "logits"}]}},
            "/config/program/0/site",
            "logits: ablate acts at embed, q_input",
        ),
        ({"config": {"program": [{"kind": "ablate"}]}}, "/config/program/0/site", "site."),
        ({"config": {"program": [{"kind": "zap"}]}}, "/config/program/0", "zap"),
        ({"config": {"a/b": 1}}, "/config/a~1b", "not permitted"),
        ({"tags": [""]}, "/tags/0", "at least 1 character"),
    ],
)
def test_invalid_configs_are_refused_at_their_place(client, body, loc, message):
    answer = client.post(RUNS, json=body)

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    [error] = answer.json()["errors"]
    assert error["loc"] == loc
    assert message in error["message"]
    assert message in answer.json()["detail"]


def test_same_key_and_body_launch_one_run(client, engine):
    first, again = (
        client.post(RUNS, json={"name": "once"}, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    )

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json()["id"] == again.json()["id"]
    assert first.headers["Location"] == again.headers["Location"]
    assert len(client.get(RUNS).json()["runs"]) == 1


def test_same_key_at_the_same_time_launches_one_run(client):
    together = threading.Barrier(8)

    def launch(_: int) -> httpx.Response:
        together.wait()
        return client.post(RUNS, json={}, headers={"Idempotency-Key": "k1"})

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(launch, range(8)))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_same_key_with_another_body_is_refused(client):
    client.post(RUNS, json={"name": "one"}, headers={"Idempotency-Key": "k1"})

    answer = client.post(RUNS, json={"name": "two"}, headers={"Idempotency-Key": "k1"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == "header/Idempotency-Key"
    assert len(client.get(RUNS).json()["runs"]) == 1


def test_a_key_whose_run_was_deleted_launches_nothing(client, engine, outbox):
    keyed = {"Idempotency-Key": "k1"}
    run_id = client.post(RUNS, json={}, headers=keyed).json()["id"]
    client.post(f"{RUNS}/{run_id}/cancel")
    assert client.delete(f"{RUNS}/{run_id}").status_code == 204

    answer = client.post(RUNS, json={}, headers=keyed)

    assert answer.status_code == 409
    assert (
        f"What the key 'k1' started, {run_id}, was deleted since; restore it"
        in answer.json()["detail"]
    )
    assert client.get(RUNS).json()["runs"] == []


def test_idempotency_keys_are_forgotten_after_a_day(client, engine):
    client.post(RUNS, json={}, headers={"Idempotency-Key": "old"})
    with Session(engine) as session, session.begin():
        key = session.get_one(IdempotencyKey, "old")
        key.created_at = key.created_at.replace(year=2020)

    client.post(RUNS, json={}, headers={"Idempotency-Key": "new"})

    with Session(engine) as session:
        assert session.scalars(select(IdempotencyKey.key)).all() == ["new"]


def _names(client, **query):
    """Names of every page of the list, page after page."""
    names, cursor = [], None
    while True:
        page = client.get(RUNS, params={**query, **({"cursor": cursor} if cursor else {})}).json()
        names.append([run["name"] for run in page["runs"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return names


def test_pages_show_every_run_once_newest_first(client, engine, outbox):
    for number in range(5):
        new_run(engine, outbox, name=str(number))

    assert _names(client, limit=2) == [["4", "3"], ["2", "1"], ["0"]]
    assert _names(client, limit=5) == [["4", "3", "2", "1", "0"]]


def test_pages_do_not_shift_when_runs_are_added(client, engine, outbox):
    for number in range(4):
        new_run(engine, outbox, name=str(number))
    first = client.get(RUNS, params={"limit": 2}).json()

    new_run(engine, outbox, name="late")

    second = client.get(RUNS, params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert [run["name"] for run in second["runs"]] == ["1", "0"]


SORTS = (
    "train_loss", "midpoint", "progress", "name", "created", "state", "clamps", "tags", "duration",
    "training.learning_rate", "task.dataset", "loss.new_classes", "strongest_induction",
)  # fmt: skip


@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_pages_through_equal_missing_and_odd_numbers(client, engine, outbox, sort):
    losses = [0.3, 0.1, 0.1, None, math.nan, math.inf]
    for number, loss in enumerate(losses):
        tags = [str(number % 2)] if loss else []
        run_id = new_run(engine, outbox, name=f"run {number}", tags=tags)
        change(engine, run_id, train_loss=loss, midpoint=loss, sequences=1 + number % 3)
        if loss is not None:
            add(engine, run_id, measurement(0, loss=9), measurement(1 + number % 3, loss=loss))
        if number % 2:  # what has ended is in order by other columns than what goes on
            moved(engine, outbox, run_id, RunState.CANCELLED)

    up = [name for page in _names(client, sort=sort, limit=1) for name in page]
    down = [name for page in _names(client, sort=f"-{sort}", limit=2) for name in page]

    assert sorted(up) == sorted(down) == [f"run {number}" for number in range(6)]
    if sort in ("train_loss", "loss.new_classes"):
        assert up[2:4] == ["run 0", "run 5"]
        assert down[:2] == up[2:4][::-1]
        missing = ["run 3", "run 4"]  # none and NaN: last, whichever way
        assert sorted(up[4:]) == sorted(down[4:]) == missing


@pytest.mark.parametrize("cursor", ["x", "e30", "WyJuYW1lIiwgMSwgMl0", "=", "é"])
def test_wrong_cursors_are_refused(client, cursor):
    answer = client.get(RUNS, params={"cursor": cursor})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == "query/cursor"


def test_cursor_of_another_sort_is_refused(client, engine, outbox):
    for _ in range(2):
        new_run(engine, outbox)
    cursor = client.get(RUNS, params={"limit": 1}).json()["next_cursor"]

    assert client.get(RUNS, params={"cursor": cursor, "sort": "name"}).status_code == 422


def test_runs_are_found_by_state_tag_and_words(client, engine, outbox):
    one = new_run(engine, outbox, name="Induction 100%", tags=["fig 5"], notes="first try")
    two = new_run(engine, outbox, name="Other")
    moved(engine, outbox, two, RunState.CANCELLED)

    def found(**query):
        return [run["id"] for run in client.get(RUNS, params=query).json()["runs"]]

    assert found(state="queued") == [one]
    assert found(state=["queued", "cancelled"]) == [two, one]
    assert found(tag="fig 5") == [one]
    assert found(q="induction TRY") == [one]
    assert found(q="fig") == [one]
    assert found(q="100%") == [one]
    assert found(q="%") == [one]
    assert found(q="_nduction") == []
    assert found(q=two) == [two]
    assert client.get(RUNS, params={"state": "asleep"}).status_code == 422


def test_words_are_found_wherever_they_are(client, engine, outbox):
    new_run(engine, outbox, name="Other")
    notes = "Kräuter, ößen and 12345, \\d"
    run_id = new_run(engine, outbox, name="x", notes=notes, tags=["a tag"])
    change(engine, run_id, name="Größe 5% of a_b")  # what was renamed has its new name

    def finds(words):
        found = [run["id"] for run in client.get(RUNS, params={"q": words}).json()["runs"]]
        assert set(found) <= {run_id}
        return bool(found)

    there = ["größe", "rößE", "öß", "ß", "5%", "_b", "äut", "345 tag", "\\d"]
    # The pieces of the first are there one by one.
    absent = ["rößen", "ÖSSE", "345 atag", "x"]
    assert list(map(finds, there)) == [True] * len(there)
    assert list(map(finds, absent)) == [False] * len(absent)


@pytest.mark.parametrize("count", [1, 30])
def test_list_takes_one_statement_however_long(client, server, engine, outbox, count):
    for _ in range(count):
        add(engine, new_run(engine, outbox), measurement(0))
    statements = []

    def note(_connection, _cursor, statement, *_):
        if threading.current_thread().name != "reaper":
            statements.append(statement)

    event.listen(server.services.engine, "before_cursor_execute", note)
    client.get(RUNS)
    event.remove(server.services.engine, "before_cursor_execute", note)

    assert len(statements) == 1, statements


def test_patch_changes_only_what_is_given(client, engine, outbox):
    run_id = new_run(engine, outbox, name="old", tags=["a"], notes="n")

    run = client.patch(f"{RUNS}/{run_id}", json={"tags": ["b", "b"]}).json()

    assert (run["name"], run["tags"], run["notes"]) == ("old", ["b"], "n")
    assert client.patch(f"{RUNS}/{run_id}", json={"state": "finished"}).status_code == 422
    assert client.patch(f"{RUNS}/{run_id}", json={"name": " "}).status_code == 422


def test_a_patch_that_comes_too_late_changes_nothing_and_says_what_is_there(client, engine, outbox):
    run_id = new_run(engine, outbox, name="old", tags=["a"], notes="n")
    path = f"{RUNS}/{run_id}"

    in_time = client.patch(path, json={"name": "new", "was": {"name": "old"}})
    late = client.patch(path, json={"name": "newer", "notes": "m", "was": {"name": "old"}})
    tags = client.patch(path, json={"tags": [], "was": {"tags": ["b"], "notes": "n"}})

    assert in_time.status_code == 200
    assert (late.status_code, tags.status_code) == (409, 409)
    assert "changed the name" in late.json()["detail"]
    assert "“new”" in late.json()["detail"]
    assert "“a”" in tags.json()["detail"]
    run = client.get(path).json()
    assert (run["name"], run["tags"], run["notes"]) == ("new", ["a"], "n")
    again = client.patch(path, json={"tags": [], "was": {"tags": ["a"], "notes": "n"}})
    assert again.json()["tags"] == []
    assert client.patch(path, json={"was": {"colour": "x"}}).status_code == 422


def test_a_priority_is_given_at_launch_and_can_be_changed_within_bounds(client):
    launched = client.post(RUNS, json={"priority": 3}).json()
    changed = client.patch(f"{RUNS}/{launched['id']}", json={"priority": -1}).json()

    assert (launched["priority"], changed["priority"]) == (3, -1)
    assert client.patch(f"{RUNS}/{launched['id']}", json={"priority": 1000}).status_code == 422


def test_ended_runs_are_deleted_with_rows_and_local_files(client, engine, outbox, settings):
    run_id = new_run(engine, outbox)
    add(engine, run_id, measurement(0))
    folder = settings.data_dir / "checkpoints" / run_id
    folder.mkdir(parents=True)
    (folder / "00000000000.safetensors").write_bytes(b"weights")
    assert client.delete(f"{RUNS}/{run_id}").status_code == 409
    assert folder.exists()

    moved(engine, outbox, run_id, RunState.CANCELLED)

    assert client.delete(f"{RUNS}/{run_id}", params={"now": True}).status_code == 204
    assert client.get(f"{RUNS}/{run_id}").status_code == 404
    assert not folder.exists()
    with Session(engine) as session:
        assert session.scalars(select(MeasurementRow)).all() == []


def test_config_can_be_launched_again(client):
    run = client.post(RUNS, json={"config": {"program": [ABLATE]}}).json()

    config = client.get(f"{RUNS}/{run['id']}/config").json()

    assert client.post(RUNS, json={"config": config}).json()["config_hash"] == run["config_hash"]


def test_run_shows_progress_rate_and_what_is_not_finite(client, engine, outbox):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    total = client.get(f"{RUNS}/{run_id}").json()["total_sequences"]
    change(engine, run_id, sequences=total // 2, sequences_per_second=1000.0, train_loss=math.nan)

    run = client.get(f"{RUNS}/{run_id}").json()

    assert run["progress"] == 0.5
    assert run["seconds_left"] == (total - total // 2) / 1000
    assert run["train_loss"] is None
    assert run["nonfinite"] == {"train_loss": "nan"}
    assert run["started_at"] is not None


def test_a_run_has_one_door_to_its_state(engine, outbox):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING)

    with pytest.raises(Conflict, match="is starting and cannot become finished"):
        moved(engine, outbox, run_id, RunState.FINISHED)

    with Session(engine) as session:
        assert session.get_one(Run, run_id).state == "starting"


def test_of_two_movers_the_later_sees_what_the_earlier_did(engine, outbox):
    run_id = new_run(engine, outbox)

    with transaction(engine, outbox) as session:
        run = run_or_error(session, run_id)
        moved(engine, outbox, run_id, RunState.CANCELLED)
        with pytest.raises(Conflict, match="is cancelled and cannot become starting"):
            move(session, run, RunState.STARTING)


def test_presets_and_datasets_can_be_launched(client):
    presets = client.get("/api/v1/presets").json()
    datasets = client.get("/api/v1/datasets").json()

    assert [one["name"] for one in datasets if one["default"]] == ["glyphs"]
    for preset in presets:
        body = {"config": preset["config"]}
        assert (
            client.post(f"{RUNS}?dry_run=true", json=body).json()["name"].startswith(preset["name"])
        )
