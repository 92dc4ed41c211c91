"""Settings and outcomes of compared runs: the table over the API, and the section of the page."""

import csv
import math

import pytest

from app.schemas.config import RunConfig
from app.schemas.state import RunState
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
