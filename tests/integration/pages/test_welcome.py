"""The first visit: where the address leads, and the example that is there before any training."""

from tests.integration.support.html import get
from tests.integration.support.rows import new_run


def home(client) -> str:
    answer = client.get("/")
    assert answer.status_code == 307
    return answer.headers["Location"]


def test_the_address_welcomes_who_has_launched_nothing_yet_and_leads_others_to_the_runs(
    client, engine, outbox
):
    assert home(client) == "/welcome"
    new_run(engine, outbox)  # as a first start does
    client.post("/welcome/example")
    assert home(client) == "/welcome"
    new_run(engine, outbox)
    assert home(client) == "/runs"


def test_the_example_is_there_before_anything_is_trained_with_curves_frames_and_a_tour(client):
    document = get(client, "/welcome")
    assert [one["action"] for one in document.all("form")] == ["/welcome/example"]
    assert {"/runs/new", "/paper"} <= {one["href"] for one in document.all("a", class_="button")}
    picture = client.get(document.one("figure") and document.all("img")[0]["src"])
    assert picture.headers["Content-Type"] == "image/svg+xml"

    first = client.post("/welcome/example")
    again = client.post("/welcome/example", data={"tour": "yes"})

    assert first.status_code == 303
    assert again.headers["Location"] == f"{first.headers['Location']}#tour"
    run = client.get(f"/api/v1{first.headers['Location']}").json()
    assert (run["state"], run["name"]) == ("finished", "Example: a circuit forms")
    assert run["phase_change"]["midpoint"] > 0
    frames = client.get(f"/api/v1{first.headers['Location']}/frames").json()
    assert len(frames["sequences"]) > 50
    assert "is among your runs" in get(client, "/welcome").one("section").text
    tour = get(client, first.headers["Location"]).one("div", id="tour-steps")
    assert "data-empty" not in tour.attributes
