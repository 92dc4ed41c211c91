"""Runs that are shelved: out of the list, and found by whoever asks."""

import pytest

from tests.integration.pages.rows.listed import RUNS, shown
from tests.integration.support.html import get
from tests.integration.support.rows import new_run


@pytest.fixture(autouse=True)
def _browser_that_remembers_nothing(client) -> None:
    client.cookies.clear()


@pytest.fixture
def three(client, engine, outbox) -> list[str]:
    """The last is shelved."""
    runs = [new_run(engine, outbox, name=f"{number}", tags=["t"]) for number in range(3)]
    assert client.patch(f"{RUNS}/{runs[2]}", json={"is_shelved": True}).json()["is_shelved"]
    return runs


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", [0, 1]),
        ("?shelved=1", [2]),
        ("?q=shelved:true", [2]),
        ("?q=not+shelved:true", [0, 1]),
        ("?q=not+name~%22shelved:%22", [0, 1]),  # words, which ask for nothing of the kind
        ("?q=shelved:true+or+name:0", [0, 2]),
        ("?tag=t", [0, 1]),
        ("?group=tag&within=t", [0, 1]),
        ("?group=tag&within=t&shelved=1", [2]),
    ],
)
def test_the_page_leaves_out_what_is_shelved_unless_it_is_asked_for(client, three, query, places):
    assert shown(get(client, f"/runs{query}")) == [three[place] for place in reversed(places)]


def test_programs_are_given_all_and_can_leave_out_what_is_shelved(client, three):
    def found(**asked: object) -> set[str]:
        return {run["id"] for run in client.get(RUNS, params=asked).json()["runs"]}

    assert found() == {*three}
    assert found(shelved=False) == {*three[:2]}
    assert found(shelved=True) == found(q="shelved:true") == {three[2]}
    assert client.get(f"{RUNS}/count", params={"shelved": False}).json()["count"] == 2
    (group,) = client.get(f"{RUNS}/groups", params={"group": "tag", "shelved": False}).json()[
        "groups"
    ]
    assert group["runs"] == 2


def test_many_are_shelved_at_once_and_one_without_a_script(client, three):
    asked = {"runs": three, "action": "shelve"}
    answer = client.post(f"{RUNS}/bulk", json=asked).json()
    assert (answer["changed"], answer["unchanged"]) == (2, 1)
    assert answer["results"][2]["detail"] == "It is shelved."
    page = get(client, "/runs?shelved=1")
    (button,) = page.all("button", value=three[0], form="unshelve-form")

    form = {button["name"]: button["value"], "action": "unshelve", "back": "/runs"}
    assert client.post("/runs/bulk", data=form, follow_redirects=False).status_code == 303

    assert shown(get(client, "/runs")) == [three[0]]
    assert "shelved" in page.one("p", class_="chips").text
    assert "Shelved runs" in page.one("h1").text
