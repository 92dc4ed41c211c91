"""Settings and outcomes of compared runs: the table over the API, and the section of the page."""

import csv
import json
import math

import plotly.graph_objects as go
import pytest

from app.schemas.config import RunConfig
from app.schemas.state import RunState
from tests.integration.support.html import Document
from tests.integration.support.rows import SMALL, add, change, measurement, moved, new_run

PLACES = (0, 1000, 2000)
API = "/api/v1/compare/outcomes"


@pytest.fixture
def runs(engine, outbox) -> list[str]:
    """Three runs of other rates of learning and a cancelled one whose loss never dropped; the last
    has not been measured."""
    made = []
    for number, rate in enumerate((1e-5, 1e-4, 1e-3, 1e-3, 1e-3)):
        changes = {"training": {"learning_rate": rate}, "seeds": {"initial": number}}
        config = RunConfig.model_validate(SMALL.model_dump(mode="json") | changes)
        made.append(new_run(engine, outbox, config, name=f"run <{number}>"))
    for number, run_id in enumerate(made[:3]):
        losses = (0.9, 0.2 - 0.05 * number, 0.3)
        add(engine, run_id, *map(measured, PLACES, losses))
        change(engine, run_id, onset=500.0, midpoint=900.0 - 100 * number, end=1000.0)
    add(engine, made[3], measurement(0, loss=0.7), measurement(1000, loss=math.nan))
    moved(engine, outbox, made[3], RunState.CANCELLED)
    return made


def measured(place: int, loss: float):
    return measurement(place, loss=loss, strength=place / 4000)


def table(client, runs: list[str]) -> dict:
    answer = client.get(API, params={"runs": ",".join(runs)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def columns(found: dict) -> dict[str, dict]:
    return {one["id"]: one for one in found["quantities"]}


def test_the_table_has_what_differs_and_what_each_run_came_to(client, runs):
    found = columns(table(client, runs))

    rate = found["training.learning_rate"]
    assert (rate["kind"], rate["values"]) == ("setting", [1e-5, 1e-4, 1e-3, 1e-3, 1e-3])
    assert found["seeds.initial"]["values"] == ["0", "1", "2", "3", "4"]
    assert "task.labels" not in found, "the same in all"
    assert found["midpoint"]["values"] == [900, 800, 700, None, None]
    assert found["length"]["values"] == [500, 500, 500, None, None]
    assert found["final_loss.new_label_pairs"]["values"][:3] == pytest.approx([0.31] * 3)
    assert found["least_loss.train"]["values"] == pytest.approx([0.2, 0.15, 0.1, 0.7, None])
    assert found["strongest_induction"]["values"][:3] == pytest.approx([0.53] * 3)
    assert found["strongest_induction_head"]["values"] == ["L1H1"] * 4 + [None]


def test_runs_without_a_value_stay_and_say_why(client, runs):
    found = columns(table(client, runs))

    assert found["midpoint"]["missing"] == [
        *(None,) * 3,
        "its loss never dropped",
        "its loss has not dropped yet",
    ]
    assert found["final_loss.train"]["missing"][3:] == [
        "it is no finite number there",
        "has not been measured",
    ]


def test_correlations_say_over_how_many_runs_they_are(client, runs):
    found = table(client, runs)["correlations"]

    [pair] = [
        one
        for one in found
        if (one["x"], one["y"]) == ("training.learning_rate", "least_loss.train")
    ]
    # Rates rank 1, 2, 3.5, 3.5 and losses 3, 2, 1, 4: products around 2.5 sum to -0.5, squares to
    # 4.5 and to 5.
    assert (pair["runs"], pair["tells_little"]) == (4, True)
    assert pair["rho"] == pytest.approx(-0.5 / math.sqrt(22.5), abs=1e-6)
    assert pair["low"] < pair["rho"] < pair["high"]


def test_the_csv_has_a_line_a_run_and_the_reasons(client, runs):
    answer = client.get(f"{API}.csv", params={"runs": ",".join(runs)})

    lines = list(csv.DictReader(answer.text.splitlines()))
    assert [line["run_id"] for line in lines] == runs
    assert lines[0]["midpoint"] == "900.0"
    assert float(lines[2]["least_loss.train_nats"]) == pytest.approx(0.1)
    assert lines[3]["midpoint"] == ""
    assert "midpoint: its loss never dropped; " in lines[3]["missing"]


@pytest.mark.parametrize("ending", ["", ".csv"])
def test_no_runs_and_unknown_runs_are_said(client, ending):
    assert "Say which runs" in client.get(f"{API}{ending}").json()["detail"]
    assert client.get(f"{API}{ending}?runs=gone").status_code == 404


HTMX = {"HX-Request": "true"}


def section(client, runs: list[str], **query: str) -> tuple[Document, dict]:
    answer = client.get("/compare/outcomes", params={"runs": ",".join(runs), **query}, headers=HTMX)
    assert answer.status_code == 200, answer.text
    assert "<html" not in answer.text
    figures = json.loads(answer.text.split('id="outcome-data">')[1].split("</script>")[0])
    for one in figures.values():
        go.Figure(one)
    return Document(answer.text), figures


def said(document: Document) -> str:
    [found] = document.all("div", id="outcome-said")
    return found.text


def test_the_section_begins_with_the_setting_against_the_midpoint(client, runs):
    document, figures = section(client, runs)

    dots = figures["scatter"]["data"][0]
    assert dots["customdata"] == runs[:3]
    assert dots["y"] == [900, 800, 700]
    assert figures["scatter"]["layout"]["xaxis"]["type"] == "log"
    assert "2 of 5 runs have no midpoint: run <3> (its loss never dropped)" in said(document)
    assert "4 of 5 runs have not ended: what counts is the last so far." in said(document)
    [pressed] = document.all("button", aria_pressed="true")
    assert (pressed["data-x"], pressed["data-y"]) == ("training.learning_rate", "midpoint")


def test_any_two_are_drawn_and_what_is_none_is_said(client, runs):
    document, figures = section(client, runs, x="all", y="strongest_induction")
    assert figures["scatter"]["data"][1]["uid"] == "medians"
    assert figures["scatter"]["data"][1]["y"][0] == pytest.approx(0.53)

    document, _ = section(client, runs, x="colour", moment="never", heads="none")
    assert "These runs have no setting or outcome 'colour'." in said(document)
    assert "There is no moment 'never'; write onset" in said(document)
    assert "Heads have no 'none'; write induction_strength" in said(document)


def test_heads_are_shown_at_the_midpoint_or_at_the_last(client, runs):
    document, figures = section(client, runs)

    titles = [note["text"] for note in figures["heads"]["layout"]["annotations"]]
    assert titles[:2] == ["run &lt;0&gt;", "at 1k"], "the first measurement at or past 900"
    assert titles[6:] == ["run &lt;3&gt;", "no midpoint: last, at 1k"]
    assert figures["heads"]["data"][0]["z"][1][1] == pytest.approx(0.28)
    [note] = [one.text for one in document.all("p", id="outcome-pictures-note")]
    assert note.startswith("1 of 5 runs has not been measured. 1 of 4 runs has no")
    _, figures = section(client, runs, moment="last", heads="previous_token_strength")
    assert figures["heads"]["layout"]["annotations"][1]["text"] == "at 2k"


def test_a_study_leads_to_the_section(client):
    axes = [{"field": "seeds.initial", "values": [5, 6]}]
    body = {"name": "Seeds", "base": {"training": {"sequences": 640}}, "axes": axes}
    study = client.post("/api/v1/studies", json=body).json()

    document = Document(client.get(f"/studies/{study['id']}").text)

    [link] = [one for one in document.all("a") if one.text == "Settings and outcomes"]
    assert link["href"].endswith("#outcomes")
    document = Document(client.get(link["href"], follow_redirects=True).text)
    assert "open" in document.one("details", id="outcomes").attributes


def test_an_address_opens_the_section(client, runs):
    asked = {"runs": ",".join(runs), "y": "end"}
    answer = client.get("/compare/outcomes", params=asked, follow_redirects=False)
    assert answer.status_code == 303
    assert "outcomes=1" in answer.headers["location"]

    document = Document(client.get(answer.headers["location"]).text)
    [details] = document.all("details", id="outcomes")
    assert "open" in details.attributes
    assert not Document(client.get(f"/compare?runs={runs[0]}").text).all("details", id="outcomes")


@pytest.mark.parametrize(
    ("name", "query", "title"),
    [
        ("scatter", {}, "Midpoint against learning rate"),
        ("scatter", {"x": "all", "y": "length"}, "Length of the drop against all runs together"),
        ("correlations", {}, "Rank correlations"),
        ("parallel", {}, "Every run through its settings and outcomes"),
        ("heads", {"moment": "last"}, "Induction strength of every head at the last measurement"),
    ],
)
def test_every_figure_is_had_by_itself(client, runs, name, query, title):
    answer = client.get(f"{API}/figures/{name}", params={"runs": ",".join(runs), **query})

    figure = answer.raise_for_status().json()
    go.Figure(figure)
    assert figure["layout"]["meta"]["title"] == title
    assert figure["layout"]["meta"]["said"]


def test_the_figure_of_correlations_has_what_the_table_has(client, runs):
    document, figures = section(client, runs)

    [picture] = figures["correlations"]["data"]
    pressed = [one for one in document.all("button") if "pair" in one.attributes.get("class", "")]
    shown = [text for row in picture["text"] for text in row if text]
    assert len(shown) == len(pressed) > 20
    assert "n 3" in shown[0]
    assert figures["correlations"]["layout"]["yaxis"]["ticktext"][0] == "Learning rate"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"x": "colour"}, "These runs have no setting or outcome 'colour'."),
        ({"moment": "never"}, "There is no moment 'never'; write onset"),
        ({"runs": "gone"}, "There is no run 'gone'."),
    ],
)
def test_a_figure_of_what_is_not_there_is_refused(client, runs, query, said):
    answer = client.get(f"{API}/figures/scatter", params={"runs": ",".join(runs), **query})

    assert answer.status_code in (404, 422)
    assert answer.json()["detail"].rstrip(".").startswith(said.rstrip("."))
    assert client.get(f"{API}/figures/pie?runs={runs[0]}").status_code == 422
