"""Views of the list with names: kept, shared by link, changed, deleted, by the API and by forms."""

import pytest

from tests.integration.support.html import Document
from tests.integration.support.rows import new_run

VIEWS = "/api/v1/views"
LOW = "q=min(loss.train)+<+.1&sort=midpoint&columns=midpoint,loss.train.min"


def save(client, name: str, address: str = LOW):
    return client.post(VIEWS, json={"name": name, "address": address})


def test_a_view_is_kept_changed_and_deleted(client):
    made = save(client, " Low, in the end! ")
    assert made.status_code == 201
    view = made.json()
    assert (view["id"], view["name"]) == ("low-in-the-end", "Low, in the end!")
    assert view["address"] == (
        "q=min%28loss.train%29+%3C+.1&sort=midpoint&columns=midpoint%2Closs.train.min"
    )
    assert save(client, "Low in the end", "").json()["id"] == "low-in-the-end-2"
    assert save(client, "低").json()["id"] == "view"
    assert next(one["id"] for one in client.get(VIEWS).json()["views"]) == "low-in-the-end-2"

    path = f"{VIEWS}/low-in-the-end"
    changed = client.patch(path, json={"name": "Lower", "address": "/runs?state=failed"}).json()
    assert (changed["id"], changed["name"]) == ("low-in-the-end", "Lower")
    assert client.get(path).json()["address"] == "state=failed"
    assert client.patch(path, json={"name": "Lower"}).status_code == 200
    assert client.delete(path).status_code == 204
    assert client.get(path).status_code == client.delete(path).status_code == 404


@pytest.mark.parametrize(
    ("name", "address", "status", "said"),
    [
        ("Taken", "", 409, "There is a view 'Taken' already"),
        ("", "", 422, "at least 1 character"),
        ("x" * 81, "", 422, "at most 80 characters"),
        ("A", "q=lerning_rate<1", 422, "Did you mean learning_rate?"),
        ("A", "columns=size", 422, "There is no column 'size'"),
        ("A", "state=asleep", 422, "no state 'asleep'"),
        ("A", "clamp=zap", 422, "no clamp 'zap'"),
        ("A", "&".join(["tag=a"] * 201), 422, "The list has no such address"),
    ],
)
def test_what_is_no_view_is_refused(client, name, address, status, said):
    save(client, "Taken")
    answer = save(client, name, address)

    assert answer.status_code == status
    assert said in answer.text


def test_a_link_leads_to_the_list_that_was_kept(client, engine, outbox):
    save(client, "Low")
    answer = client.get("/runs?view=low")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/runs?q=min%28loss.train%29")
    assert client.get("/runs?view=nothing").status_code == 404

    new_run(engine, outbox)
    document = Document(client.get(answer.headers["location"]).text)
    (link,) = document.all("a", href="/runs?view=low")
    assert link.attributes["aria-current"] == "true"


def test_lists_take_a_view_and_narrow_it(client, engine, outbox):
    for name in ("b one", "a one", "c two"):
        new_run(engine, outbox, name=name)
    save(client, "By name", "q=one+or+nothing&sort=name&columns=midpoint")

    def names(path="/api/v1/runs", **query: object) -> list[str]:
        answer = client.get(path, params={"view": "By name", **query})
        return [run["name"] for run in answer.raise_for_status().json()["runs"]]

    assert names() == names(view="by-name") == ["a one", "b one"]
    assert names(q="b or two") == ["b one"]
    assert names(sort="-name") == ["b one", "a one"]
    assert names(state="failed") == []
    assert names(run=client.get("/api/v1/runs?q=two").json()["runs"][0]["id"]) == []
    table = client.get("/api/v1/runs.csv?view=by-name").text.splitlines()
    assert table[0] == "id,name,midpoint"
    assert [line.split(",")[1] for line in table[1:]] == ["a one", "b one"]
    assert client.get("/api/v1/runs.csv?view=by-name&columns=seeds.initial").text.startswith(
        "id,name,seeds.initial"
    )
    assert client.get("/api/v1/runs/count?view=by-name").json()["count"] == 2


def test_a_view_that_is_not_there_is_said_with_the_nearest(client):
    save(client, "Low in the end")
    for path in ("/api/v1/runs", "/api/v1/runs.csv", "/runs"):
        answer = client.get(path, params={"view": "low-in-the-ned"})
        assert answer.status_code == 404
        assert "did you mean" in answer.text
        assert "low-in-the-end" in answer.text
    assert "it may be deleted" in client.get("/api/v1/runs?view=xyz").text
    wrong = client.get("/api/v1/runs?view=low-in-the-end&q=lerning_rate<1").json()["errors"][0]
    assert (wrong["offset"], wrong["suggestion"]) == (0, "learning_rate")


def test_forms_do_the_same(client):
    def send(**fields: str):
        return client.post("/runs/views", data={"address": "/runs?state=failed", **fields})

    assert send(act="save", name="Mine").headers["location"] == "/runs?view=mine"
    assert send(act="save", name="Mine").status_code == 409
    assert send(act="save", name="").status_code == 422
    assert send(act="shred", name="Mine").status_code == 422
    assert send(act="rename", view="mine", name="Ours").headers["location"] == "/runs?state=failed"
    assert [one["name"] for one in client.get(VIEWS).json()["views"]] == ["Ours"]
    assert send(act="delete", view="mine", address="//elsewhere").headers["location"] == "/runs"
    assert client.get(VIEWS).json()["views"] == []
    assert send(act="delete", view="mine").status_code == 404
