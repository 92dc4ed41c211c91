"""The toy model by the API, and its page without scripts."""

import csv

import pytest

from app.toy.dynamics import curves
from app.toy.settings import ToyQuery, ToySettings
from tests.integration.support.html import Document

API = "/api/v1/toy"


def test_the_api_trains_what_is_asked_for(client):
    found = client.get(API, params={"clamp": ["c", "none"], "updates": 60, "seed": 3}).json()

    assert list(found["curves"]) == ["c", "none"]
    settings = ToySettings(updates=60, seed=3)
    own = {one.name: one for one in curves(settings, ToyQuery(clamp=("none", "c")).clampings)}
    assert found["curves"]["c"]["loss"] == own["c"].loss
    assert len(found["curves"]["none"]["pm1"]) == 61


def test_the_same_as_a_table(client):
    text = client.get(f"{API}.csv", params={"updates": 5}).text
    lines = list(csv.reader(text.splitlines()))

    assert lines[0][:4] == ["updates", "loss (none)", "pm1 (none)", "pm2 (none)"]
    assert len(lines) == 7


@pytest.mark.parametrize(
    "query", [{"dimension": 0}, {"updates": 1e9}, {"clamp": "q"}, {"colour": "red"}], ids=str
)
def test_what_cannot_be_is_refused(client, query):
    answer = client.get(API, params=query)

    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_the_page_works_without_scripts(client):
    page = client.get("/toy", params={"clamp": ["none", "b,c"], "dimension": 8})

    form = Document(page.text)
    assert form.one("input", id="dimension")["value"] == "8"
    assert page.text.count("<tr>") == 3
    assert "dimension=8" in form.one("a", id="csv")["href"]


def test_long_trainings_are_thinned_in_the_figure_only(client):
    query = {"updates": 20_000, "clamp": "none"}
    figure = client.get(f"{API}/figure", params=query).json()

    assert len(figure["data"]) == 3
    assert 400 < len(figure["data"][0]["x"]) <= 801
    assert figure["layout"]["yaxis"]["title"]["text"] == "loss L"
