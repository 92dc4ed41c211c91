"""Runs that are pinned: first in the list, in pages, in queries, and many at once."""

import csv
import io

import pytest

from app.schemas.state import RunState
from tests.integration.pages.rows.listed import RUNS, in_pages, shown
from tests.integration.support.html import get
from tests.integration.support.rows import change, moved, new_run


@pytest.fixture(autouse=True)
def _browser_that_remembers_nothing(client) -> None:
    client.cookies.clear()


@pytest.mark.parametrize(
    "sort", ["-created", "name", "-state", "train_loss", "-train_loss", "loss.train", "clamps"]
)
def test_pinned_runs_come_first_in_every_order_and_in_pages_of_every_size(
    client, engine, outbox, sort
):
    runs = [new_run(engine, outbox, name=f"{number // 2}") for number in range(8)]
    for number, run_id in enumerate(runs[:5]):
        moved(engine, outbox, run_id, RunState.CANCELLED)
        change(engine, run_id, train_loss=number % 2 + 0.1)
    change(engine, runs[6], train_loss=0.5)
    pinned = {runs[1], runs[4], runs[6], runs[7]}
    plain = in_pages(client, 50, sort=sort)
    for run_id in pinned:
        assert client.patch(f"{RUNS}/{run_id}", json={"is_pinned": True}).json()["is_pinned"]

    first = [one for one in plain if one in pinned] + [one for one in plain if one not in pinned]
    for limit in (1, 2, 3, 4, 5, 50):
        assert in_pages(client, limit, sort=sort, pinned_first=True) == first, limit
    assert in_pages(client, 3, sort=sort) == plain, "programs get the order that they ask for"
    assert shown(get(client, f"/runs?sort={sort}")) == first
    table = client.get(f"{RUNS}.csv", params={"sort": sort, "pinned_first": True}).text
    assert [line["id"] for line in csv.DictReader(io.StringIO(table))] == first


def test_a_part_of_the_list_stays_whole_while_runs_are_pinned(client, engine, outbox):
    runs = [new_run(engine, outbox, name=f"{number:02}") for number in range(53)]
    client.patch(f"{RUNS}/{runs[0]}", json={"is_pinned": True})
    first = get(client, "/runs")
    (body,) = first.all("tbody", hx_trigger="refresh")
    (more,) = [link for link in first.all("a") if link.attributes.get("hx-target") == "#more"]
    client.patch(f"{RUNS}/{runs[1]}", json={"is_pinned": True})

    part = {"HX-Request": "true"}
    fresh = get(client, body["hx-get"], headers={**part, "HX-Target": f"tbody#{body['id']}"})
    rest = get(client, more["href"], headers={**part, "HX-Target": "tbody#more"})
    assert shown(fresh) == [runs[1], runs[0], *reversed(runs[4:])]
    assert shown(rest) == [runs[3], runs[2]]


def test_pinned_runs_are_asked_for_and_pinned_many_at_once(client, engine, outbox):
    one, two, three = (new_run(engine, outbox) for _ in range(3))

    def act(action: str, *runs: str) -> dict:
        return client.post(f"{RUNS}/bulk", json={"runs": runs, "action": action}).json()

    assert act("pin", one, three)["changed"] == 2
    answer = act("unpin", one, two)
    assert [item["detail"] for item in answer["results"]] == ["", "It is not pinned."]
    for query in ("pinned:true", "not pinned:false"):
        (found,) = client.get(RUNS, params={"q": query}).json()["runs"]
        assert found["id"] == three
    assert len(client.get(RUNS, params={"q": "pinned!=true"}).json()["runs"]) == 2
    wrong = client.get(RUNS, params={"q": "pinned:ture"})
    assert wrong.json()["errors"][0]["suggestion"] == "true"


def test_a_run_is_pinned_by_its_line_without_a_script(client, engine, outbox):
    runs = [new_run(engine, outbox) for _ in range(3)]
    (button,) = get(client, "/runs?sort=name").all("button", id=f"pin-{runs[0]}")
    form = {"run": button["value"], "action": button["form"].removesuffix("-form")}

    answer = client.post("/runs/bulk", data={**form, "back": "/runs"}, follow_redirects=False)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/runs")
    assert shown(get(client, "/runs")) == [runs[0], runs[2], runs[1]]
    (button,) = get(client, "/runs").all("button", id=f"pin-{runs[0]}")
    assert (button["form"], button["aria-pressed"]) == ("unpin-form", "true")
