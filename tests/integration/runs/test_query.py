"""Queries over runs, by a real Postgres: what each operator finds, and what it says of nonsense."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.db.runs_list.extremes import kept_numbers
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.schemas.text import flaw
from app.services.charts.curves import STUDY_METRICS
from tests.integration.support.rows import SMALL, add, change, measurement, moved, new_run

RUNS = "/api/v1/runs"
DRIVEN = {"kind": "set_pattern", "target": "induction", "site": "L1H0.pattern[query]"}


def config(*program: dict, **training: float) -> RunConfig:
    whole = SMALL.model_dump()
    whole["training"] = {**whole["training"], **training}
    return RunConfig.model_validate({**whole, "program": program})


@pytest.fixture
def runs(engine, outbox) -> dict[str, str]:
    """One that has ended, one that trains, one that measured no number, one that waits."""
    made = {
        "done": new_run(engine, outbox, config(), name="Done seed 5", tags=["fig 5", "a"]),
        "going": new_run(engine, outbox, config(DRIVEN), name="Going", tags=["a"]),
        "nan": new_run(engine, outbox, config(learning_rate=1e-3), name="Nan", notes="50% off"),
        "new": new_run(engine, outbox, config(), name="New (2)"),
    }
    losses = {"done": (0.7, 0.05, 0.5), "going": (0.7, 0.3), "nan": (math.nan, math.nan)}
    for name, values in losses.items():
        moved(engine, outbox, made[name], RunState.STARTING, RunState.RUNNING)
        add(engine, made[name], *(measurement(5000 * n, loss=v) for n, v in enumerate(values)))
        change(engine, made[name], sequences=5000 * (len(values) - 1), train_loss=values[-1])
    change(engine, made["done"], midpoint=6000.0)
    moved(engine, outbox, made["done"], RunState.FINISHED)
    moved(engine, outbox, made["nan"], RunState.FAILED)
    long_ago = datetime(2026, 1, 1, 23, 30, tzinfo=UTC)
    change(engine, made["new"], created_at=long_ago)
    return made


ALL = {"done", "going", "nan", "new"}


CASES = (
    ("", ALL),
    ("seed", {"done"}),
    ('"done seed"', {"done"}),
    ('"seed done"', set()),
    ("state:finished", {"done"}),
    ("STATE:Finished,failed", {"done", "nan"}),
    ("state!=finished", {"going", "nan", "new"}),
    ("tag:a", {"done", "going"}),
    ('tag:"fig 5",b', {"done"}),
    ("tag!=a", {"nan", "new"}),
    ("tag~FIG", {"done"}),
    ('tags:"fig 5, a"', set()),
    ('name~"SEED 5"', {"done"}),
    ('name:"New (2)"', {"new"}),
    ('notes~"50%"', {"nan"}),
    ('notes:""', {"done", "going", "new"}),
    ("clamp:driven", {"going"}),
    ("clamp:none", {"done", "nan", "new"}),
    ("clamps > 0", {"going"}),
    ("learning_rate < 1e-4", {"done", "going", "new"}),
    ("training.learning_rate >= 1e-3", {"nan"}),
    ("seed:5,6 dataset:glyphs attn_bias:on positions:rotary", ALL),
    ("attn_bias:off", set()),
    ("held_out_pairs:[]", ALL),
    ("heads != 2", set()),
    ("midpoint <= 6k", {"done"}),
    ("midpoint:any", {"done"}),
    ("midpoint:none", {"going", "nan", "new"}),
    ("midpoint != 7000", {"done"}),
    ("not midpoint < 5000", ALL),
    ("min(loss.train) < .1", {"done"}),
    ("max(loss.train) >= .7", {"done", "going"}),
    ("not min(loss.train) < .1", {"going", "nan", "new"}),
    ("last(loss.train) = .5", {"done"}),
    ("loss.train = .3", {"going"}),
    ("at(loss.train, 5,000) = .05", {"done"}),
    ("at(loss.train, 5k) = .05", {"done"}),
    ("loss.train@5k < 1", {"done", "going"}),
    ("loss.train:none", {"nan", "new"}),
    ("train_loss:none", {"nan", "new"}),
    ("created > -7d", {"done", "going", "nan"}),
    ("created < -1w", {"new"}),
    ("created:2026-01-01", {"new"}),
    ("created <= 2026-01-01", {"new"}),
    ("created > 2026-01-01", {"done", "going", "nan"}),
    ("created >= 2026-01-01T23:30", ALL),
    ("created > 2026-01-01T23:30Z", {"done", "going", "nan"}),
    ("created:2026-01-02T00:30+01:00", {"new"}),
    ("ended:any", {"done", "nan"}),
    ("progress > 0% progress < 100%", {"done", "going", "nan"}),
    ("(tag:a or state:failed) and not clamp:driven", {"done", "nan"}),
    ("state:finished tag:b or name~new", {"new"}),
)


def test_queries_find_their_runs(client, runs):
    """All of them over the same runs."""
    named = {run_id: name for name, run_id in runs.items()}
    wrong = {}
    for query, names in CASES:
        answer = client.get(RUNS, params={"q": query})
        assert answer.status_code == 200, answer.text
        found = {named[one["id"]] for one in answer.json()["runs"]}
        count = client.get(f"{RUNS}/count", params={"q": query}).json()["count"]
        if found != names or count != len(names):
            wrong[query] = found, count
    assert wrong == {}


def test_studies_are_asked_for_by_name_or_id(client, runs):
    base = SMALL.model_dump(mode="json")
    axes = [{"field": "seeds.initial", "values": [7, 8]}]
    body = {"name": "Fan of seeds", "base": base, "axes": axes}
    study = client.post("/api/v1/studies", json=body).json()

    for query in (f"study:{study['id']}", 'study:"Fan of seeds"', "study~FAN"):
        found = client.get(RUNS, params={"q": f"{query} seed:8"}).json()["runs"]
        assert ["seed 8" in one["name"] for one in found] == [True]
    assert client.get(RUNS, params={"q": "study:Fan"}).json()["runs"] == []


@pytest.mark.parametrize(
    ("query", "place", "said", "meant"),
    [
        ("name~a lerning_rate<1", (7, 12), "no field 'lerning_rate'", "learning_rate"),
        ("state:finished,finishd", (15, 7), "state is never 'finishd'; it is queued", "finished"),
        (
            "min(loss.newclasses)<1",
            (0, 20),
            "no field 'loss.newclasses.min'",
            "loss.new_classes.min",
        ),
        ("name < 3", (0, 4), "name cannot be compared with <; write :, =, != or ~", None),
        ("min(loss.train)~3", (0, 15), "cannot be compared with ~", None),
        ("seed=1,2", (5, 3), "'1,2' is no number", None),
        ("loss.train<nan", (11, 3), "'nan' is no number", None),
        ("loss.train<1e999", (11, 5), "'1e999' is no number", None),
        ("created>yesterday", (8, 9), "'yesterday' is no time", None),
        ("created>-99999w", (8, 7), "is no time", None),
        ("created:9999-12-31", (8, 10), "is no time", None),
        ("clamp:ablat", (6, 5), "clamp is never 'ablat'", "ablate"),
        ("state:", (6, 0), "Write a value after the :", None),
    ],
)
def test_an_error_says_where_it_is_and_what_was_meant(client, query, place, said, meant):
    for path in (RUNS, f"{RUNS}.csv", f"{RUNS}/count"):
        answer = client.get(path, params={"q": query})

        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert said in error["message"]
        assert (error["loc"], error["offset"], error["length"]) == ("query/q", *place)
        assert error.get("suggestion") == meant


def test_all_that_match_are_changed_at_once(client, runs):
    act = {"action": "tag", "tags": ["found"]}
    path = f"{RUNS}/bulk/matching"
    answer = client.post(path, params={"q": "min(loss.train) < .1"}, json=act)

    assert answer.json()["changed"] == 1
    (found,) = client.get(RUNS, params={"q": "tag:found"}).json()["runs"]
    assert found["id"] == runs["done"]
    assert client.post(path, params={"q": "min("}, json=act).status_code == 422


def test_pages_of_a_query_follow_one_another(client, runs):
    asked = {"q": "loss.train:any", "limit": 1, "sort": "loss.train.min"}
    first = client.get(RUNS, params=asked).json()
    second = client.get(RUNS, params={**asked, "cursor": first["next_cursor"]}).json()

    ids = [one["id"] for one in first["runs"] + second["runs"]]
    assert ids == [runs["done"], runs["going"]]


SPELT = """ " ( ) , < >= != : ~ -7d 2026-11-01 1e-4 none % not or min( at( state tag loss.train
    @50k created learning_rate study clamp driven midpoint name notes \\ ' _ 1111111111111111 İ"""
SIGNS = st.sampled_from([" ", *SPELT.split()])
ANYTHING = st.lists(SIGNS | st.text(max_size=3), max_size=16).map("".join)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ANYTHING)
def test_no_text_breaks_the_server(client, query):
    answer = client.get(RUNS, params={"q": query, "limit": 1})
    typed = client.get("/runs", params={"q": query}, headers={"HX-Request": "true"})

    assert answer.status_code in (200, 422), answer.text
    assert typed.status_code == (422 if flaw(query) else 200), typed.text


def test_what_is_compared_in_units_of_time_begins_now(client, engine, runs):
    hours = datetime.now(UTC) - timedelta(hours=5)
    change(engine, runs["new"], created_at=hours)

    for query, is_found in (("created<-4h", True), ("created<-6h", False), ("created<-2d", False)):
        found = client.get(RUNS, params={"q": query}).json()["runs"]
        assert (runs["new"] in {one["id"] for one in found}) is is_found


def kept(engine, run_id: str) -> tuple[list[float | None], list[float | None]] | None:
    with engine.connect() as connection:
        query = text("SELECT least, most FROM run_extremes WHERE run_id = :id")
        row = connection.execute(query, {"id": run_id}).one_or_none()
    return None if row is None else (row.least, row.most)


def test_extremes_are_kept_once_a_run_has_ended(client, engine, outbox, runs):
    least, most = kept(engine, runs["done"])
    assert (least[0], most[0]) == (0.05, 0.7)  # of the training loss
    assert (least[20], most[20]) == pytest.approx((0.13, 0.13))  # of the strongest induction head
    assert [kept(engine, runs[name]) for name in ("going", "new")] == [None, None]
    assert kept(engine, runs["nan"])[0][0] is None

    # What is kept is what is asked, and what is not kept is read.
    with engine.begin() as connection:
        connection.execute(text("UPDATE run_extremes SET least[1] = 0.01 WHERE least[1] > 0"))
    asked = {"q": "loss.train.min < .02"}
    assert [one["id"] for one in client.get(RUNS, params=asked).json()["runs"]] == [runs["done"]]
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM run_extremes"))
    assert client.get(RUNS, params=asked).json()["runs"] == []
    asked = {"q": "min(loss.train) < .1"}
    assert [one["id"] for one in client.get(RUNS, params=asked).json()["runs"]] == [runs["done"]]


def test_what_is_kept_stays_in_its_place_of_the_arrays():
    """Rows that there are hold them in this order: a new one comes after all of these."""
    metrics = ("loss", "accuracy", "in_context_accuracy")
    metrics += ("correct_probability", "context_probability")
    evaluators = ("train", "new_label_pairs", "new_exemplars", "new_classes")
    evaluated = [f"{metric}.{evaluator}" for metric in metrics for evaluator in evaluators]
    known = [*evaluated, "strongest_induction", "strongest_previous_token"]

    assert list(kept_numbers())[: len(known)] == known
    assert list(kept_numbers()) == list(STUDY_METRICS)
