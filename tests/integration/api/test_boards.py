"""REST: boards: made, changed from the version that was read, and what their figures show."""

import json
import re

import pytest

from app.schemas.state import RunState
from tests.integration.support.rows import add, change, measurement, moved, new_run

BOARDS = "/api/v1/boards"
TEXT = {"kind": "text", "markdown": "Loss drops **late**."}


@pytest.fixture
def run_id(engine, outbox) -> str:
    run_id = new_run(engine, outbox, name="Match fixed")
    add(engine, run_id, *(measurement(n, loss=2 - n / 1000) for n in (320, 640, 960)))
    change(engine, run_id, sequences=960)
    return run_id


def made(client, *blocks, title="Notes of May") -> dict:
    answer = client.post(BOARDS, json={"title": title, "blocks": blocks})
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"{BOARDS}/{answer.json()['id']}"
    return answer.json()


def figure(client, board: dict, place: int = 0, status: int = 200) -> dict:
    block = board["blocks"][place]["id"]
    answer = client.get(f"{BOARDS}/{board['id']}/figures/{block}")
    assert answer.status_code == status, answer.text
    return answer.json()


def refused(answer, loc: str) -> str:
    assert answer.status_code == 422, answer.text
    [error] = answer.json()["errors"]
    assert error["loc"] == loc
    return error["message"]


def test_a_board_is_made_read_changed_and_deleted(client, run_id):
    board = made(client, TEXT, {"kind": "run", "run_id": run_id, "query": "?x=log"})

    assert client.get(f"{BOARDS}/{board['id']}").json() == board
    text, run = board["blocks"]
    assert text["markdown"] == TEXT["markdown"]
    assert (run["figure"], run["query"], run["height"]) == ("loss", "x=log", 320)
    [listed] = client.get(BOARDS).json()["boards"]
    assert (listed["texts"], listed["figures"], listed["version"]) == (1, 1, 1)

    patch = {"version": 1, "title": "Notes of June", "blocks": [run, text]}
    changed = client.patch(f"{BOARDS}/{board['id']}", json=patch).json()
    assert (changed["title"], changed["version"]) == ("Notes of June", 2)
    assert changed["blocks"] == [run, text]
    assert changed["changed_at"] > board["changed_at"]

    assert client.delete(f"{BOARDS}/{board['id']}").status_code == 204
    assert client.get(f"{BOARDS}/{board['id']}").status_code == 404


def test_a_change_from_an_older_version_is_refused_and_nothing_is_lost(client):
    board = made(client, TEXT)
    path = f"{BOARDS}/{board['id']}"
    assert client.patch(path, json={"version": 1, "title": "First"}).status_code == 200

    late = client.patch(path, json={"version": 1, "title": "Second", "blocks": []})

    assert late.status_code == 409
    assert "version 2, and this was made from version 1" in late.json()["detail"]
    kept = client.get(path).json()
    assert (kept["title"], kept["blocks"]) == ("First", board["blocks"])


def test_boards_are_listed_page_by_page_the_last_changed_first(client):
    ids = [made(client, title=name)["id"] for name in ("a", "b", "c")]
    client.patch(f"{BOARDS}/{ids[0]}", json={"version": 1, "title": "a, changed"})

    first = client.get(BOARDS, params={"limit": 2}).json()
    rest = client.get(BOARDS, params={"limit": 2, "cursor": first["next_cursor"]}).json()

    assert [one["id"] for one in first["boards"] + rest["boards"]] == [ids[0], ids[2], ids[1]]
    assert rest["next_cursor"] is None
    message = refused(client.get(BOARDS, params={"cursor": "x"}), "query/cursor")
    assert "list of boards" in message


@pytest.mark.parametrize(
    ("block", "loc", "said"),
    [
        ({"kind": "run", "figure": "los"}, "/blocks/1/figure", "there are loss"),
        ({"kind": "run", "query": "x=weeks"}, "/blocks/1/query", "x: Input should be"),
        ({"kind": "comparison", "query": "view=overlay"}, "/blocks/1/query", "runs=ID,ID"),
        ({"kind": "comparison", "query": "runs=a&smoothing=2"}, "/blocks/1/query", "0 to 0.99"),
        ({"kind": "comparison", "query": "runs=a&from=b"}, "/blocks/1/query", "from: Input"),
        ({"kind": "study", "study_id": "a", "query": "metric=x"}, "/blocks/1/query/metric", "x"),
    ],
)
def test_a_figure_that_cannot_be_read_is_refused_with_its_place(client, block, loc, said):
    block = {"run_id": "a", **block} if block["kind"] == "run" else block

    answer = client.post(BOARDS, json={"title": "x", "blocks": [TEXT, block]})

    assert said in refused(answer, loc)
    assert client.get(BOARDS).json()["boards"] == []


@pytest.mark.parametrize(
    ("blocks", "loc"),
    [
        ([{"kind": "text", "markdown": "x" * 20_001}], "/blocks/0/markdown"),
        ([{"kind": "picture"}], "/blocks/0"),
        ([{**TEXT, "id": "a"}, {**TEXT, "id": "a"}], "/blocks"),
        ([{"kind": "run", "run_id": "a", "height": 90}], "/blocks/0/height"),
    ],
)
def test_blocks_are_checked(client, blocks, loc):
    refused(client.post(BOARDS, json={"title": "x", "blocks": blocks}), loc)


def test_a_run_is_shown_as_the_view_of_its_page_has_it(client, run_id):
    query = "x=updates&hide=new_classes&smooth=0.5&previous_token_layer=2&previous_token_hide=0"
    board = made(
        client,
        {"kind": "run", "run_id": run_id, "query": query},
        {"kind": "run", "run_id": run_id, "figure": "previous_token", "query": query},
        {"kind": "run", "run_id": run_id, "figure": "induction", "query": "induction=heatmap"},
    )

    loss, previous, heatmap = (figure(client, board, place) for place in range(3))

    assert (loss["kind"], loss["title"], loss["smoothing"]) == ("run", "Loss of Match fixed", 0.5)
    assert [trace["name"] for trace in loss["figure"]["data"]] == [
        "train",
        "new label pairs",
        "new exemplars",
    ]
    assert loss["figure"]["layout"]["xaxis"]["title"]["text"] == "updates"
    assert not loss["is_over"]
    [line] = previous["figure"]["data"]
    assert (line["meta"]["layer"], line["meta"]["head"], line["visible"]) == (1, 1, True)
    assert heatmap["figure"]["data"][0]["type"] == "heatmap"
    assert heatmap["figure"]["layout"]["yaxis"]["range"] == [3.5, 1.5]


def test_a_run_without_points_is_said_to_have_none_yet(client, engine, outbox, run_id):
    queued = new_run(engine, outbox)
    board = made(client, *({"kind": "run", "run_id": one} for one in (queued, run_id)))

    assert figure(client, board)["note"] == "no points yet"
    assert "no points" not in figure(client, board, 1)["note"]


def test_comparisons_and_studies_are_shown_with_what_is_hidden_and_their_scales(
    client, engine, outbox, run_id
):
    other = new_run(engine, outbox, name="Copy fixed")
    add(engine, other, measurement(320), measurement(640))
    moved(engine, outbox, other, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    study = client.post("/api/v1/studies", json={"runs": [{"name": "one"}]}).json()["id"]
    both = f"runs={run_id},{other}"
    board = made(
        client,
        {"kind": "comparison", "query": f"{both}&xlog=1&ylog=1"},
        {"kind": "comparison", "query": f"{both}&hidden={run_id}&series=accuracy.train"},
        {"kind": "study", "study_id": study, "query": "metric=accuracy.train"},
    )

    logs, hidden, studied = (figure(client, board, place) for place in range(3))

    axes = logs["figure"]["layout"]
    assert (axes["xaxis"]["type"], axes["yaxis"]["type"]) == ("log", "log")
    assert axes["xaxis"]["range"][0] == pytest.approx(2.505, abs=0.001)  # 320
    assert [trace["uid"] for trace in hidden["figure"]["data"]] == [other]
    assert hidden["title"] == "Accuracy, train of 2 runs"
    assert studied["title"] == "Accuracy, train of 1 run"


def test_what_a_deleted_run_leaves_is_said_and_the_board_can_still_be_changed(
    client, engine, outbox, run_id
):
    other = new_run(engine, outbox)
    add(engine, other, measurement(320))
    alone = {"kind": "run", "run_id": run_id}
    board = made(client, alone, {"kind": "comparison", "query": f"runs={run_id},{other}"}, TEXT)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    assert client.delete(f"/api/v1/runs/{run_id}").status_code == 204

    assert "It can be restored until" in figure(client, board, 0, status=410)["detail"]
    left = figure(client, board, 1)
    assert f"This run does not exist, or not any more: {run_id}." in left["note"]
    assert left["title"].endswith("of 1 run")
    assert "has no figure" in figure(client, board, 2, status=404)["detail"]
    kept = {"version": 1, "blocks": board["blocks"][:1]}
    assert client.patch(f"{BOARDS}/{board['id']}", json=kept).status_code == 200


def test_the_report_holds_its_texts_and_figures_in_order_and_says_what_is_gone(
    client, engine, outbox, run_id
):
    gone = new_run(engine, outbox)
    shown = {"kind": "run", "run_id": run_id, "query": "smooth=0.5", "caption": "Seed <7>"}
    board = made(
        client, TEXT, shown, {"kind": "run", "run_id": gone}, {"kind": "text", "markdown": "*End*"}
    )
    moved(engine, outbox, gone, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    client.delete(f"/api/v1/runs/{gone}")

    answer = client.get(f"{BOARDS}/{board['id']}/report.html")

    assert f"board-{board['id']}-report.html" in answer.headers["Content-Disposition"]
    page = answer.text
    body = page[page.index("<main>") : page.index("</main>")]
    order = ("drops <strong>late", "Loss of Match fixed", "Seed &lt;7&gt;", "restored", "<em>End")
    places = [body.index(text) for text in order]
    assert places == sorted(places)
    [data] = re.findall(r'id="report-data">(.*?)</script>', page)
    [chart] = json.loads(data)["charts"]
    assert (chart["kind"], chart["smoothing"]) == ("run", 0.5)
