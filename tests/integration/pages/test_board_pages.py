"""Pages of boards: the list, one to read and to edit, and where figures are added."""

import json

import pytest

from tests.integration.support.html import Document
from tests.integration.support.rows import add, measurement, new_run

BOARDS, HTMX = "/api/v1/boards", {"HX-Request": "true"}


@pytest.fixture
def run_id(engine, outbox) -> str:
    run_id = new_run(engine, outbox, name="Match fixed")
    add(engine, run_id, measurement(320), measurement(640))
    return run_id


def made(client, *blocks) -> dict:
    return client.post(BOARDS, json={"title": "Notes", "blocks": blocks}).json()


def sent(client, board: dict, act: str, version: int = 1, headers=None, **typed):
    data = {"version": version, "title": "Notes", "act": act} | typed
    data["block"] = [json.dumps(one) for one in board["blocks"]]
    path = f"/boards/{board['id']}"
    return client.post(path, data=data, headers=headers, follow_redirects=False)


def kept(client, board: dict) -> list[dict]:
    return client.get(f"{BOARDS}/{board['id']}").json()["blocks"]


def test_a_board_shows_its_text_as_markdown_and_its_figures_with_links(client, run_id):
    assert "No boards yet" in client.get("/boards").text
    text = {"kind": "text", "markdown": "# Why\n<script>x</script> **late**"}
    board = made(client, text, {"kind": "run", "run_id": run_id, "query": "x=log"})

    page = client.get(f"/boards/{board['id']}").text

    assert "<h2>Why</h2>" in page
    assert "<strong>late</strong>" in page
    assert "<script>x" not in page
    link, *_ = Document(page).all("a", href=f"/runs/{run_id}?x=log&metric=loss")
    assert link.text == "Loss of Match fixed"
    assert f"/boards/{board['id']}" in client.get("/boards").text


def test_blocks_are_moved_removed_put_back_and_added_and_what_is_typed_is_kept(client, run_id):
    board = made(client, {"kind": "text", "markdown": "a"}, {"kind": "text", "markdown": "b"})
    a, b = board["blocks"]

    assert sent(client, board, f"down:{a['id']}", **{f"markdown-{b['id']}": "B"}).status_code == 303
    assert [one["markdown"] for one in kept(client, board)] == ["B", "a"]
    removed = sent(client, board, f"remove:{b['id']}", version=2, headers=HTMX)
    assert "Put it back" in removed.text
    assert [one["id"] for one in kept(client, board)] == [a["id"]]
    sent(
        client, {**board, "blocks": [a]}, "restore", version=3, removed=json.dumps(b), removed_at=1
    )
    assert [one["id"] for one in kept(client, board)] == [a["id"], b["id"]]
    sent(client, board, "figure", version=4, address=f"http://x/p/runs/{run_id}?metric=accuracy")
    assert kept(client, board)[2]["figure"] == "accuracy"


def test_what_is_wrong_or_late_is_said_and_nothing_typed_is_lost(client):
    board = made(client, {"kind": "text", "markdown": "a"})
    name = f"markdown-{board['blocks'][0]['id']}"

    wrong = sent(client, board, "figure", address="/workers", **{name: "typed"})
    assert wrong.status_code == 422
    assert "no address of a run" in wrong.text
    assert "typed</textarea>" in wrong.text
    client.patch(f"{BOARDS}/{board['id']}", json={"version": 1, "title": "Theirs"})
    late = sent(client, board, "save", **{name: "typed"})
    assert late.status_code == 409
    assert "Somebody has changed this board" in late.text
    assert "typed</textarea>" in late.text
    assert kept(client, board)[0]["markdown"] == "a"
    assert sent(client, board, "save", version=2, **{name: "typed"}).status_code == 303


def test_a_figure_is_added_to_a_new_board_and_to_one_there_is(client, run_id):
    shown = {"address": f"/runs/{run_id}", "figure": "induction"}
    assert "of Match fixed" in client.get("/boards/add", params=shown).text

    new = client.post("/boards/add", data=shown | {"title": "Mine"}, follow_redirects=False)
    board_id = new.headers["Location"].split("/")[-1].split("#")[0]
    client.post("/boards/add", data=shown | {"board": board_id}, follow_redirects=False)

    board = client.get(f"{BOARDS}/{board_id}").json()
    assert (board["title"], board["figures"]) == ("Mine", 2)
    assert client.post(f"/boards/{board_id}/delete", follow_redirects=False).status_code == 303
    assert client.get(f"/boards/{board_id}").status_code == 404
