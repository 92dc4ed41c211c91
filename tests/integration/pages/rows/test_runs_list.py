"""The list of runs: filters, columns, curves in small, parts that stay whole, and bulk actions."""

import csv
import io
import math
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import event

from app.db.runs_list.numbers import LossPoint
from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.services.charts.sparklines import POINTS, sparkline
from app.services.runs_list.bulk_matching import PART
from app.services.runs_list.columns import columns
from tests.integration.pages.rows.listed import in_pages, shown
from tests.integration.support.html import Document
from tests.integration.support.recorded import row
from tests.integration.support.rows import SMALL, START, add, change, measurement, moved, new_run

RUNS, BULK = "/api/v1/runs", "/api/v1/runs/bulk"
DRIVEN = {"kind": "set_pattern", "target": "induction", "site": "L1H0.pattern[query]"}
SILENCED = {"kind": "ablate", "site": "L0H1.v"}


def small(*program: dict, **parts: dict) -> RunConfig:
    return RunConfig.model_validate({**SMALL.model_dump(), "program": program, **parts})


def get(client, path: str, **options) -> Document:
    answer = client.get(path, **options)
    assert answer.status_code == 200, answer.text
    return Document(answer.text)


@pytest.fixture(autouse=True)
def _browser_that_remembers_nothing(client) -> None:
    client.cookies.clear()


@pytest.fixture
def three(engine, outbox) -> dict[str, str]:
    """Runs that differ in all that can be filtered by."""
    vectors = {**SMALL.task.model_dump(), "dataset": "gaussian"}
    runs = {
        "free": new_run(engine, outbox, name="Free", tags=["a", "b"]),
        "driven": new_run(engine, outbox, small(DRIVEN), name="Driven", tags=["a"]),
        "both": new_run(engine, outbox, small(DRIVEN, SILENCED, task=vectors), notes="look again"),
    }
    moved(engine, outbox, runs["both"], RunState.CANCELLED)
    return runs


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("clamp=none", {"free"}),
        ("clamp=driven", {"driven", "both"}),
        ("clamp=silenced&clamp=none", {"free", "both"}),
        ("clamp=ablate", {"both"}),
        ("clamp=set_pattern_induction", {"driven", "both"}),
        ("clamp=set_pattern_previous_token", set()),
        ("dataset=gaussian", {"both"}),
        ("tag=a", {"free", "driven"}),
        ("tag=a&tag=b", {"free"}),
        ("q=LOOK", {"both"}),
        ("state=cancelled&dataset=glyphs", set()),
        ("state=&tag=&q=&study=", {"free", "driven", "both"}),
    ],
)
def test_the_page_and_the_api_find_the_same_runs(client, three, query, names):
    ids = {three[name] for name in names}
    document = get(client, f"/runs?{query}")

    assert set(shown(document)) == ids
    filled = "&".join(part for part in query.split("&") if not part.endswith("="))
    assert {run["id"] for run in client.get(f"{RUNS}?{filled}").json()["runs"]} == ids


def test_the_beginning_of_an_id_finds_its_run(client, three):
    assert three["free"] in shown(get(client, f"/runs?q={three['free'][:6]}"))
    assert shown(get(client, f"/runs?q={three['free'][:3]}!")) == []


def test_the_runs_of_a_study_can_be_filtered(client, three):
    study = client.post(
        "/api/v1/studies",
        json={
            "name": "Fan",
            "base": SMALL.model_dump(mode="json"),
            "axes": [{"field": "seeds.initial", "values": [7, 8]}],
        },
    ).json()

    document = get(client, f"/runs?study={study['id']}")

    assert len(shown(document)) == 2
    assert "study Fan" in document.one("p", class_="chips").text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("state=asleep", "no state 'asleep'; write one of queued, starting"),
        ("clamp=zap", "no clamp 'zap'; write one of driven, silenced, preserved, none"),
        ("sort=size", "no column 'size'. There are name, clamps"),
        ("columns=size", "no column 'size'"),
        ("study=none", "There is no study"),
        ("group=loss.train", "cannot be grouped by 'loss.train'; write study, tag, created"),
        ("group=size", "cannot be grouped by 'size'"),
        ("group=study&within=gone", "There is no study"),
        ("cursor=x", "not a cursor of a list sorted by -created"),
        ("until=x", "not a cursor of a list sorted by -created"),
    ],
)
def test_what_cannot_be_asked_for_is_said_on_a_page(client, query, said):
    answer = client.get(f"/runs?{query}")

    assert answer.status_code in (404, 422)
    assert said in Document(answer.text).one("section", role="alert").text


def test_a_list_in_which_nothing_matches_offers_to_forget_each_filter(client, three):
    document = get(client, "/runs?tag=a&state=failed&sort=name")

    assert "No run matches" in document.one("section").text
    chips = {chip.text.strip(): chip["href"] for chip in document.all("a", class_="chip")}
    assert chips == {"failed": "/runs?tag=a&sort=name", "tag a": "/runs?state=failed&sort=name"}
    (everything,) = document.all("a", class_="button primary", href="/runs?sort=name")
    assert everything.text == "Show every run"


def test_heads_sort_both_ways_and_say_so(client, three):
    document = get(client, "/runs?sort=name&columns=state,training.learning_rate")

    (name,) = [head for head in document.all("th") if "aria-sort" in head.attributes]
    assert name["aria-sort"] == "ascending"
    links = [link["href"] for link in document.all("a") if "sort=" in link["href"]]
    assert "/runs?sort=-name&columns=state%2Ctraining.learning_rate" in links
    assert any("sort=training.learning_rate" in link for link in links)


def test_columns_are_shown_as_asked_for_and_remembered_by_the_browser(client, three, engine):
    change(engine, three["driven"], sequences=320)
    add(engine, three["driven"], measurement(0), measurement(320, loss=0.25))

    get(client, "/runs?columns=loss.new_classes,seeds.initial,training.learning_rate")
    again = get(client, "/runs")
    usual = get(client, "/runs?columns=usual")

    row = again.one("tr", id=f"run-{three['driven']}").text
    assert "0.280" in row
    assert "1e−05" in row
    heads = [head.text.strip() for head in again.all("th", scope="col")]
    assert heads == [
        "Run",
        "Loss, new classes nats",
        "Seed: initial weights",
        "Learning rate",
        "Actions",
    ]
    assert "Age" in [head.text.strip() for head in usual.all("th", scope="col")]


def test_a_part_of_the_list_stays_whole_while_runs_are_added(client, engine, outbox):
    runs = [new_run(engine, outbox, name=f"{number:02}") for number in range(52)]
    first = get(client, "/runs")
    (body,) = first.all("tbody", hx_trigger="refresh")
    (more,) = [link for link in first.all("a") if link.attributes.get("hx-target") == "#more"]

    late = new_run(engine, outbox)

    part = {"HX-Request": "true"}
    fresh = get(client, body["hx-get"], headers={**part, "HX-Target": f"tbody#{body['id']}"})
    rest = get(client, more["href"], headers={**part, "HX-Target": "tbody#more"})
    assert shown(fresh) == [late, *reversed(runs[2:])]
    assert shown(rest) == [runs[1], runs[0]]
    assert not fresh.all("tbody", id="more")
    assert "limit" not in parse_qs(urlsplit(body["hx-get"]).query)


def test_the_answer_to_a_filter_is_the_table_and_its_address(client, three):
    headers = {"HX-Request": "true", "HX-Target": "div#runs-table", "HX-Source": "form#filters"}
    answer = client.get("/runs?q=&state=queued&sort=-created&columns=state", headers=headers)

    assert answer.headers["HX-Push-Url"] == "/runs?state=queued&columns=state"
    assert answer.text.strip().startswith('<div id="runs-table"')


def test_a_small_curve_goes_as_far_as_its_run_and_keeps_its_ends(client, engine, outbox):
    run_id = new_run(engine, outbox)
    places = range(0, 500_001, 1000)
    add(engine, run_id, *(measurement(n, loss=2 if n == 0 else 1.0) for n in places))
    change(engine, run_id, sequences=500_000, train_loss=1.0)

    document = get(client, "/runs")
    (line,) = document.all("svg", class_="sparkline")

    assert line["aria-label"] == "loss from 2.000 to 1.000"
    (path,) = [e["d"] for e in document.all("path") if e["d"].startswith("M2.0 2.0L")]
    assert path.count("L") == POINTS / 2
    assert path.endswith("L48.0 13.0")


def test_what_is_not_finite_is_a_gap_in_a_small_curve():
    points = [LossPoint("r", n, loss) for n, loss in enumerate([2, 1, math.nan, 1, 0.5])]

    line = sparkline(points, 4)

    assert line.path.count("M") == 2
    assert line.path.count("L") == 2
    assert sparkline(points[2:3], 4).path == ""


def test_the_list_as_a_table_holds_every_run_and_the_chosen_columns(client, three):
    answer = client.get(
        f"{RUNS}.csv?columns=state,tags,training.learning_rate,loss.train&sort=name"
    )

    assert answer.headers["Content-Type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert list(rows[0]) == ["id", "name", "state", "tags", "training.learning_rate", "loss.train"]
    assert {row["id"] for row in rows} == set(three.values())
    by_id = {row["id"]: row for row in rows}
    assert by_id[three["free"]]["tags"] == "a; b"
    assert by_id[three["free"]]["training.learning_rate"] == "1e-05"
    assert by_id[three["both"]]["state"] == "cancelled"
    assert client.get(f"{RUNS}.csv?columns=zap").status_code == 422
    chosen = client.get(RUNS, params={"run": [three["free"], three["both"]]}).json()["runs"]
    assert {run["id"] for run in chosen} == {three["free"], three["both"]}


def test_a_table_holds_what_the_runs_have_and_reads_none_of_them_whole(
    client, server, engine, outbox
):
    pairs = {"held_out_pairs": [[0, 1]], "burstiness": 2}
    run_id = new_run(engine, outbox, small(SILENCED), name="one", notes="n")
    config = RunConfig.model_validate(row(engine, run_id).config).model_dump(mode="json")
    change(
        engine,
        run_id,
        config={**config, "task": {**config["task"], **pairs}},
        started_at=START,
        finished_at=START + timedelta(seconds=1.234567),
        sequences=1,
        total_sequences=3,
    )
    names = [name for name in columns() if name != "id"]
    statements = []

    def note(_connection, _cursor, statement, *_):
        statements.append(statement)

    event.listen(server.services.engine, "before_cursor_execute", note)
    answer = client.get(f"{RUNS}.csv", params={"columns": ",".join(names)})
    event.remove(server.services.engine, "before_cursor_execute", note)

    (line,) = csv.DictReader(io.StringIO(answer.text))
    assert {"clamps": "1", "duration": "1.234567", "progress": repr(1 / 3)}.items() <= line.items()
    own = {**config, "task": {**config["task"], **pairs, "held_out_pairs": "[0, 1]"}}
    for name in names:
        section, _, option = name.partition(".")
        if option in own.get(section, {}):
            value = own[section][option]
            assert line[name] == ("" if value in (None, []) else str(value)), name
    # The reaper, which may look at this moment, locks what it reads.
    whole = [one for one in statements if "run.config_hash" in one and "FOR NO KEY" not in one]
    assert not whole


def test_columns_hold_the_extremes_of_a_measure_and_what_it_was_at_a_place(client, engine, three):
    free, driven = three["free"], three["driven"]
    losses = {free: (0.9, 0.2, 0.6), driven: (0.8, 0.5, math.nan)}
    for run_id, own in losses.items():
        places = (0, 1000, 2000)
        add(engine, run_id, *(measurement(p, loss=x) for p, x in zip(places, own, strict=True)))
        change(engine, run_id, sequences=2000)
    names = ["loss.train", "loss.train.min", "loss.train.max", "loss.train@1k", "loss.train@5000"]

    document = get(client, f"/runs?columns={','.join(names)}&sort=loss.train.min")
    text = client.get(f"{RUNS}.csv", params={"columns": ",".join(names)}).text

    heads = [head.text for head in document.all("th", scope="col")]
    assert [one for one in heads if one.startswith("Loss")] == [
        "Loss, train nats", "Loss, train, lowest (best) nats", "Loss, train, highest nats",
        "Loss, train at 1k nats", "Loss, train at 5k nats",
    ]  # fmt: skip
    order = [row["id"].removeprefix("run-") for row in document.all("tr") if "id" in row.attributes]
    assert order == [free, driven, three["both"]]
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(text))}
    said = [*names[:3], "loss.train@1000"]  # however it was written
    assert [float(rows[free][name]) for name in said] == pytest.approx([0.6, 0.2, 0.9, 0.2])
    assert float(rows[driven]["loss.train.max"]) == pytest.approx(0.8)
    assert rows[free]["loss.train@5000"] == "", "it has not come so far"
    ticked = document.all("input", name="columns", value="loss.train@1000")
    assert ["checked" in one.attributes for one in ticked] == [True]
    for wrong in ("loss.train@", "loss.train@soon", "state@5", "loss.train@" + "9" * 40):
        assert client.get("/runs", params={"columns": wrong}).status_code == 422, wrong


@pytest.mark.parametrize("sort", ["state", "-state", "train_loss", "-loss.train", "clamps"])
def test_ties_come_in_one_order_whatever_the_size_of_a_page(client, engine, outbox, sort):
    for _ in range(7):
        new_run(engine, outbox)

    one, three, all_at_once = (in_pages(client, limit, sort=sort) for limit in (1, 3, 50))
    assert one == three == all_at_once


def bulk(client, *runs: str, **request) -> tuple[dict[str, int], list[tuple[str, str]]]:
    answer = client.post(BULK, json={"runs": runs, **request})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    body.pop("deleted")
    results = [(one["result"], one["detail"]) for one in body.pop("results")]
    return body, results


def test_tags_are_added_and_removed_without_touching_others(client, three):
    free, driven = three["free"], three["driven"]

    counts, _ = bulk(client, free, driven, "nobody", action="tag", tags=["b"])
    assert counts == {"changed": 1, "unchanged": 1, "refused": 1}
    assert client.get(f"{RUNS}/{driven}").json()["tags"] == ["a", "b"]

    counts, _ = bulk(client, free, driven, action="untag", tags=["b", "c"])
    assert counts["changed"] == 2
    assert client.get(f"{RUNS}/{free}").json()["tags"] == ["a"]
    assert bulk(client, free, action="untag", tags=["b"])[1] == [
        ("unchanged", "It has none of these tags.")
    ]


def test_what_can_be_cancelled_and_deleted_is_and_the_others_say_why(client, three, engine, outbox):
    free, driven, both = three.values()
    moved(engine, outbox, driven, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)

    _, results = bulk(client, free, driven, both, action="cancel")
    assert [result for result, _ in results] == ["changed", "refused", "unchanged"]
    assert "already finished" in results[1][1]

    waits = new_run(engine, outbox)
    counts, results = bulk(client, waits, free, driven, action="delete")
    assert counts == {"changed": 2, "unchanged": 0, "refused": 1}
    assert "cancel it first" in results[0][1]
    again, _ = bulk(client, free, driven, action="delete")
    assert again == {"changed": 0, "unchanged": 2, "refused": 0}


def test_a_colour_is_chosen_and_forgotten_again(client, three):
    free = three["free"]
    own = client.get(f"{RUNS}/{free}").json()["colour"]

    bulk(client, free, action="colour", colour="#aabbcc")
    assert client.get(f"{RUNS}/{free}").json()["colour"] == "#AABBCC"
    assert client.patch(f"{RUNS}/{free}", json={"colour": "auto"}).json()["colour"] == own
    refused = client.patch(f"{RUNS}/{free}", json={"colour": "blue"})
    assert refused.status_code == 422
    assert "write it as #4477AA, or auto" in refused.json()["detail"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"runs": [], "action": "cancel"}, "at least 1 item"),
        ({"runs": ["a"], "action": "tag"}, "which tags to tag"),
        ({"runs": ["a"], "action": "colour"}, "which colour"),
        (
            {"runs": ["a"], "action": "zap"},
            "'cancel', 'delete', 'restore' or 'purge'",
        ),
    ],
)
def test_bulk_requests_that_say_too_little_are_refused(client, body, said):
    answer = client.post(BULK, json=body)

    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_without_a_script_deleting_asks_first_and_can_be_undone(client, three):
    form = {"run": [three["both"]], "action": "delete", "back": "/runs?sort=name"}

    question = client.post("/runs/bulk", data=form)
    assert Document(question.text).one("h1").text == "Delete 1 run?"
    assert client.get(f"{RUNS}/{three['both']}").status_code == 200

    done = Document(client.post("/runs/bulk", data={**form, "confirmed": "yes"}).text)
    assert done.one("h1").text == "1 run deleted."
    assert done.all("a", href="/runs?sort=name")
    assert done.one("button", value="restore").text == "Undo"
    assert client.get(f"{RUNS}/{three['both']}").status_code == 410
    undone = client.post("/runs/bulk", data={**form, "action": "restore"})
    assert (undone.status_code, undone.headers["Location"]) == (303, "/runs?sort=name")
    assert client.get(f"{RUNS}/{three['both']}").status_code == 200

    refused = client.post("/runs/bulk", data={**form, "run": [three["free"]], "confirmed": "yes"})
    document = Document(refused.text)
    assert document.one("h1").text == "0 runs deleted; 1 refused."
    assert "cancel it first" in document.one("section").text


def test_only_those_are_counted_that_it_will_be_done_to(client, three):
    runs = list(three.values())  # two wait, one is cancelled

    delete = client.post("/runs/bulk", data={"run": runs, "action": "delete"})
    cancel = client.post("/runs/bulk", data={"run": runs, "action": "cancel"})

    document = Document(delete.text)
    assert document.one("h1").text == "Delete 1 run?"
    said = document.one("section").text
    assert "2 of 3 runs have not ended and are left; cancel them first." in said
    assert [one.text for one in document.all("dd")] == [three["both"]]
    assert Document(cancel.text).one("h1").text == "Cancel 2 runs?"
    assert client.get(f"{RUNS}/count").json() == {"count": 3, "ended": 1}
    assert client.get(f"{RUNS}/count?state=queued").json() == {"count": 2, "ended": 0}
    box = get(client, "/runs").one("input", id=f"pick-{three['both']}")
    assert "data-ended" in box.attributes


def test_without_a_script_runs_are_compared_exported_and_never_none(client, three):
    runs = [three["free"], three["both"]]
    for action, place in (
        ("compare", "/compare?runs="),
        ("measurements", "/api/v1/measurements.csv?runs="),
    ):
        answer = client.post("/runs/bulk", data={"run": runs, "action": action})
        assert answer.headers["Location"] == place + ",".join(runs)

    nothing = client.post("/runs/bulk", data={"action": "cancel", "back": "https://else.where"})
    assert nothing.status_code == 422
    assert "No run is ticked" in nothing.text


def test_all_that_match_are_changed_by_the_server_and_no_others(client, three, engine, outbox):
    crowd = [new_run(engine, outbox, name="crowd", tags=["c"]) for _ in range(PART + 2)]
    moved(engine, outbox, crowd[0], RunState.STARTING, RunState.RUNNING)
    wanted = {"tag": "c", "q": "crowd"}
    assert client.get(f"{RUNS}/count", params=wanted).json()["count"] == len(crowd)

    def act(query: dict = wanted, **body) -> dict:
        answer = client.post(f"{BULK}/matching", params=query, json=body)
        return {"status": answer.status_code, **answer.json()}

    fewer = act({**wanted, "at_most": len(crowd) - 1}, action="cancel")
    assert fewer["status"] == 409
    assert f"{len(crowd)} runs match by now" in fewer["detail"]
    assert act(action="tag", tags=["d"])["changed"] == len(crowd)
    assert act({"state": "queued", "tag": "d"}, action="cancel")["changed"] == len(crowd) - 1

    deleted = act({"tag": "d", "at_most": len(crowd)}, action="delete")
    assert (deleted["changed"], deleted["refused"]) == (len(crowd) - 1, 1)
    assert [one["id"] for one in deleted["results"]] == [crowd[0]]
    assert "cancel it first" in deleted["results"][0]["detail"]
    left = {run["id"] for run in client.get(RUNS, params={"limit": 500}).json()["runs"]}
    assert left == {*three.values(), crowd[0]}
    assert act({"sort": "zap"}, action="cancel")["status"] == 422
