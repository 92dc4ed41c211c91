"""The charts of a run's page for the view that its address holds, and the same from the API."""

import plotly.graph_objects as go
import pytest

from tests.integration.support.html import Document, get, page_data


def test_the_figure_of_the_api_is_the_one_of_the_page(client, trained):
    on_page = page_data(get(client, f"/runs/{trained}"))["figures"]

    for figure in on_page.values():
        name = figure["layout"]["meta"]["name"]
        served = client.get(f"/api/v1/runs/{trained}/figures/{name}").json()
        assert served == figure
        go.Figure(served)


def test_a_view_in_the_address_is_what_the_page_shows(client, trained):
    query = "?metric=accuracy&x=updates&from=5000&to=6000&induction=heatmap&hide=train&hide_heads=1"

    document = get(client, f"/runs/{trained}{query}")

    figures = page_data(document)["figures"]
    assert figures["metric"]["layout"]["meta"]["name"] == "accuracy"
    assert figures["metric"]["data"][0]["x"] == [0, 5024 / 32, 313], "lines reach both edges"
    assert figures["metric"]["layout"]["xaxis"]["range"] == [5000 / 32, 6000 / 32]
    assert figures["induction"]["data"][0]["type"] == "heatmap"
    assert page_data(document)["after"] == 10_016, "the stream goes on where the run is"
    assert heads_pressed(document) == ["true", "false"] * 2, "a link of before: in every chart"


def heads_pressed(document: Document) -> list[str]:
    """Of the legends under the strengths, in their order."""
    heads = [e for e in document.all("button") if {"data-head", "data-layer"} & {*e.attributes}]
    return [e["aria-pressed"] for e in heads if "data-layer" not in e.attributes]


def test_a_head_of_one_layer_is_hidden_without_the_one_of_its_number_in_another(client, trained):
    document = get(client, f"/runs/{trained}?induction_hide=0")

    assert heads_pressed(document) == ["true", "true", "false", "true"]
    legends = [e.text for e in document.all("div", class_="legend head-legend")]
    assert legends == ["layer 1 head 0 head 1", "layer 2 head 0 head 1"]


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("metric=speed", "'loss'"),
        ("from=9&to=5", "The range ends at 5, before it begins at 9"),
        ("hide=nobody", "There is no evaluator 'nobody'"),
        ("induction_layer=7", "Layer 7: this model has 2."),
        ("hide_heads=x", "'x' is not the number of a head"),
        ("previous_token_hide=2", "Head 2: the heads of this model are 0 to 1."),
    ],
)
def test_a_view_that_cannot_be_is_refused_with_what_would_be_right(client, trained, query, said):
    answer = client.get(f"/runs/{trained}?{query}")

    assert answer.status_code == 422
    assert said in Document(answer.text).one("section", role="alert").text


def test_strengths_have_no_log_axis_and_losses_no_heatmap(client, trained):
    for name, wrong in (("induction", "y=log"), ("loss", "drawing=heatmap")):
        answer = client.get(f"/api/v1/runs/{trained}/figures/{name}?{wrong}")

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == f"query/{wrong.split('=')[0]}"


def test_an_unknown_figure_is_a_problem_that_names_the_known_ones(client, trained):
    answer = client.get(f"/api/v1/runs/{trained}/figures/speed")

    assert answer.status_code == 422
    assert "previous_token" in answer.json()["detail"]


@pytest.mark.parametrize("part", ["from=5000&to=5000", "to=0", "x=log&to=0", "from=99000000"])
def test_a_part_without_width_is_refused(client, trained, part):
    answer = client.get(f"/api/v1/runs/{trained}/figures/loss?{part}")

    assert answer.status_code == 422
    assert "has no width" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/runs/{run}/measurements?from=99999999999999999999",
        "/api/v1/news?after=99999999999999999999",
        "/api/v1/runs?q=%00",
        "/compare?runs=%00",
        "/api/v1/compare.csv?runs={run}&series=induction_strength.L\u0661H3",
        "/runs/{run}?hide_heads=" + "1" * 5000,
    ],
)
def test_what_no_column_can_hold_is_refused(client, trained, path):
    assert client.get(path.format(run=trained)).status_code in (404, 422)
