"""What a run's page says of the steps of the circuit: measures, thresholds, and when crossed."""

import re
from array import array

import pytest

from app.schemas.config import RunConfig
from app.schemas.state import RunState
from tests.integration.support.html import Document, get
from tests.integration.support.rows import (
    SMALL,
    add,
    add_frame,
    measurement,
    moved,
    new_run,
)

PLACES = (0, 5_000, 10_000, 15_000)
PAIRS = 2 * 2  # of heads of the last layer with lower ones, in `SMALL`


def step(document: Document, number: str) -> str:
    (found,) = document.all("li", data_step=number)
    return found.text


def scores(key: float) -> bytes:
    """Composition of all pairs at chance, but for the keys of one."""
    numbers = [0.25] * (3 * PAIRS)
    numbers[PAIRS + 2] = key  # layer 2, head 1, from layer 1, head 0
    return array("f", numbers).tobytes()


@pytest.fixture
def run_id(engine, outbox) -> str:
    """Its strengths rise past a half between the second and the third measurement."""
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    for place, strength in zip(PLACES, (0.0, 0.4, 0.6, 0.9), strict=True):
        add(engine, run_id, measurement(place, strength=strength))
    for place, key in zip(PLACES, (0.25, 0.3, 0.45, 0.6), strict=True):
        add_frame(engine, outbox, run_id, place, composition=scores(key))
    return run_id


def test_a_step_says_its_measure_its_threshold_and_between_which_points_it_was_crossed(
    client, run_id
):
    document = get(client, f"/runs/{run_id}")

    assert step(document, "1").startswith(
        "1 each label attends to the exemplar before it left to learn strongest previous-token "
        "head: 0.91, Layer 1, head 1 · threshold 0.50, half: between 5k and 10k"
    )
    assert "strongest induction head: 0.93, Layer 2, head 1 ·" in step(document, "4")
    said = "0.35, Layer 1, head 0 to layer 2, head 1 · unrelated heads have 0.250 in all; no thr"
    assert said in step(document, "3k")
    for number in ("2", "3q", "3v", "5"):
        assert "not measured while it trains" in step(document, number)
    assert "learned" not in document.one("section", class_="card area-circuit").text


def test_a_threshold_that_was_not_crossed_is_not_yet_or_never(client, engine, outbox):
    run_id = new_run(engine, outbox)
    add(engine, run_id, measurement(0, strength=0.1))
    block = f"/runs/{run_id}/steps"

    assert "threshold 0.50, half: not yet" in step(get(client, block), "4")
    assert "– · unrelated" in step(get(client, block), "3k"), "there is no frame yet"
    moved(engine, outbox, run_id, RunState.CANCELLED)
    assert "threshold 0.50, half: never" in step(get(client, block), "4")


def test_a_strength_that_fell_again_is_below_its_threshold_now(client, engine, run_id):
    add(engine, run_id, measurement(20_000, strength=0.2))

    assert "between 5k and 10k; below it now" in step(get(client, f"/runs/{run_id}/steps"), "4")


def test_a_step_under_a_light_says_when_it_is_on(client, engine, outbox):
    match = {"kind": "set_pattern", "target": "induction", "site": "L1.pattern[query]"}
    program = [{**match, "until_sequences": 60_000}]
    config = RunConfig.model_validate({**SMALL.model_dump(), "program": program})
    document = get(client, f"/runs/{new_run(engine, outbox, config)}")

    assert "fixed until 60,000 sequences" in step(document, "4")
    assert "not needed until 60,000 sequences" in step(document, "1")
    words = document.one("section", class_="card area-program").text
    assert "All heads of layer 2 attend from the query" in words
    assert "always" not in words


def test_of_thinned_points_no_more_is_claimed_than_they_show(client, engine, outbox):
    """A blip above the threshold is not among what is drawn: its bucket has a larger number."""
    run_id = new_run(engine, outbox)
    places = [32 * index for index in range(1_500)]
    strengths = dict.fromkeys(places, 0.1) | {places[1_001]: 0.6, places[1_003]: 0.9}
    add(engine, run_id, *(measurement(at, strength=strength) for at, strength in strengths.items()))

    said = step(get(client, f"/runs/{run_id}/steps"), "4")

    low, high = map(float, re.findall(r"between ([\d.]+)k and ([\d.]+)k", said)[0])
    assert 1_000 * low < places[1_001] <= 1_000 * high
    assert high - low < 1


def test_what_negative_strengths_mean_is_said_where_there_are_any(client, engine, outbox):
    run_id = new_run(engine, outbox)
    add(engine, run_id, measurement(0, strength=0.1))
    notes = f"/api/v1/runs/{run_id}/figures/previous_token"
    assert client.get(notes).json()["layout"]["meta"]["notes"] == []

    add(engine, run_id, measurement(5_000, strength=-0.3))

    (note,) = client.get(notes).json()["layout"]["meta"]["notes"]
    assert note.startswith("below 0: the label tokens look back less than uniform")


def test_a_log_axis_counts_no_point_that_it_does_not_show(client, engine, outbox):
    run_id = new_run(engine, outbox)
    for place in (0, 5_000, 10_000):
        add(engine, run_id, measurement(place))

    def counted(query: str) -> int:
        figure = client.get(f"/api/v1/runs/{run_id}/figures/loss?{query}").json()
        points: int = figure["layout"]["meta"]["thinning"]["points"]
        return points

    assert counted("x=sequences") == 3
    assert counted("x=log") == 2
    assert counted("x=log&from=1000") == 2, "0 lies beyond the edge, and was not counted"


def test_the_page_says_what_its_words_mean_in_place(client, run_id):
    document = get(client, f"/runs/{run_id}")

    lines = document.one("details", class_="small muted four-lines").text
    assert "new exemplars other drawings of the training classes: what its loss is above" in lines
