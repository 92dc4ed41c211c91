"""The list of runs in groups: their numbers, their runs, and what they are called."""

import pytest

from app.schemas.config import RunConfig
from app.schemas.state import RunState
from tests.integration.pages.rows.listed import RUNS, shown
from tests.integration.support.html import Document, get
from tests.integration.support.rows import SMALL, change, moved, new_run

GROUPS = f"{RUNS}/groups"
NONE = {"mean": None, "least": None, "most": None}


@pytest.fixture(autouse=True)
def _browser_that_remembers_nothing(client) -> None:
    client.cookies.clear()


@pytest.fixture
def five(engine, outbox) -> list[str]:
    """Two learning rates, three sets of tags, three that have ended with a loss."""
    slow = RunConfig.model_validate({**SMALL.model_dump(), "training": {"learning_rate": 1e-5}})
    fast = RunConfig.model_validate({**SMALL.model_dump(), "training": {"learning_rate": 2.5e-4}})
    tags = [["a"], ["a", "b~"], [], ["~"], ["~"]]
    runs = [
        new_run(engine, outbox, fast if number < 2 else slow, tags=own, name=f"{number}")
        for number, own in enumerate(tags)
    ]
    for number, loss in enumerate((0.25, 0.5, 0.75)):
        moved(engine, outbox, runs[number], RunState.CANCELLED)
        change(engine, runs[number], train_loss=loss)
    return runs


def groups(client, by: str, **more: object) -> list[dict]:
    answer = client.get(GROUPS, params={"group": by, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["groups"]


def counts(client, by: str, **more: object) -> dict[str, int]:
    return {one["title"]: one["runs"] for one in groups(client, by, **more)}


def test_runs_are_put_into_groups_by_what_they_hold(client, five):
    assert counts(client, "state") == {"cancelled": 3, "queued": 2}
    assert counts(client, "training.learning_rate") == {"1e−05": 3, "0.00025": 2}
    assert counts(client, "tag") == {"a": 2, "b~": 1, "without tags": 1, "~": 2}
    assert counts(client, "study") == {"in no study": 5}
    assert counts(client, "device") == {"none": 5}
    assert len(counts(client, "created")) == 1
    assert counts(client, "tag", q="state:queued") == {"~": 2}


def test_numbers_of_a_group_are_mean_and_range_of_those_that_have_one(client, engine, five):
    change(engine, five[3], train_loss=float("nan"))
    cancelled, queued = groups(client, "state", columns="train_loss,state,midpoint")

    assert (cancelled["going"], queued["going"]) == (0, 2)
    assert cancelled["numbers"]["train_loss"] == {"mean": 0.5, "least": 0.25, "most": 0.75}
    assert queued["numbers"] == {"train_loss": NONE, "midpoint": NONE}


@pytest.mark.parametrize("by", ["state", "training.learning_rate", "tag", "study", "created"])
def test_the_runs_of_a_group_are_listed_counted_and_changed_alone(client, five, by):
    client.post(
        "/api/v1/studies",
        json={
            "name": "Fan",
            "base": SMALL.model_dump(mode="json"),
            "axes": [{"field": "seeds.initial", "values": [7, 8]}],
        },
    )
    found = groups(client, by)
    assert sum(one["runs"] for one in found) == 7 + (by == "tag")
    for one in found:
        asked = {"group": by, "within": one["within"]}
        listed = [run["id"] for run in client.get(RUNS, params=asked).json()["runs"]]
        assert len(listed) == one["runs"], one
        assert client.get(f"{RUNS}/count", params=asked).json()["count"] == one["runs"]
        page = client.get("/runs", params=asked)
        assert shown(Document(page.text)) == listed
        chips = Document(page.text).all("a", class_="chip")
        assert [one["title"] in chip.text for chip in chips] == [True]
    everything = client.post(
        f"{RUNS}/bulk/matching",
        params={"group": by, "within": found[0]["within"]},
        json={"action": "pin"},
    )
    assert everything.json()["changed"] == found[0]["runs"]


def test_the_page_has_a_line_for_each_group_and_asks_for_its_runs_when_it_is_opened(client, five):
    document = get(client, "/runs?group=state&sort=name")

    assert shown(document) == []
    links = {one.text: one["href"] for one in document.all("a", class_="group-toggle")}
    assert links == {
        "cancelled": "/runs?group=state&within=cancelled&sort=name",
        "queued": "/runs?group=state&within=queued&sort=name",
    }
    lines = [one.text for one in document.all("tbody", class_="group-line")]
    assert "3 runs" in lines[0]
    assert "mean 0.500 0.250 to 0.750" in lines[0]
    assert "2 runs, 2 of them under way" in lines[1]
    place = document.all("tbody", class_="group-rows")[0]
    part = {"HX-Request": "true", "HX-Target": f"tbody#{place['id']}"}
    rows = Document(client.get(place["hx-get"], headers=part).text)
    assert shown(rows) == five[:3]
    (picker,) = document.all("input", name="group", value="state")
    assert "checked" in picker.attributes


def test_lines_of_groups_are_asked_for_alone(client, five, engine, outbox):
    before = get(client, "/runs?group=state").one("tbody", id="group-mark")["data-groups"]
    part = {"HX-Request": "true", "HX-Target": "tbody#group-pulse"}

    same = Document(client.get("/runs?group=state", headers=part).text)
    moved(engine, outbox, five[3], RunState.STARTING)
    other = Document(client.get("/runs?group=state", headers=part).text)

    assert len(same.all("tbody", class_="group-line", hx_swap_oob="outerMorph")) == 2
    assert same.one("tbody", id="group-mark")["data-groups"] == before
    assert other.one("tbody", id="group-mark")["data-groups"] != before
    assert not same.all("tbody", class_="group-rows")


def test_a_group_without_saying_by_what_is_refused(client):
    answer = client.get(RUNS, params={"within": "finished"})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == "query/within"
    assert client.get(GROUPS).status_code == 422


def test_a_view_keeps_its_groups(client, five):
    saved = client.post("/api/v1/views", json={"name": "G", "address": "group=tag&open=a"}).json()

    assert saved["address"] == "group=tag"
    document = get(client, "/runs?view=g", follow_redirects=True)
    assert len(document.all("a", class_="group-toggle")) == 4
