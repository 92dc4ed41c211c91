"""The time line of a run's page: its loss, and what happened where, in the drawing's units."""

import math
import re

import pytest

from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.services.charts.timeline import HEIGHT, WIDTH
from tests.integration.support.html import Document, get
from tests.integration.support.rows import SMALL, add, change, measurement, moved, new_run

LIT = {"kind": "set_pattern", "target": "induction", "site": "L1.pattern[query]"}
END = 40_000


@pytest.fixture
def run_id(engine, outbox) -> str:
    """It has measured half of what it is to see, with a light on for a quarter."""
    program = [{**LIT, "from_sequences": 10_000, "until_sequences": 20_000}]
    run_id = new_run(
        engine, outbox, RunConfig.model_validate({**SMALL.model_dump(), "program": program})
    )
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    losses = {0: 2.0, 5_000: 1.0, 10_000: math.nan, 15_000: 0.5, 20_000: 0.0}
    rows = [(at, measurement(at)) for at in losses]
    add(engine, run_id, *(row.model_copy(update={"loss": (losses[at],) * 4}) for at, row in rows))
    change(
        engine, run_id, sequences=20_000, total_sequences=END,
        onset=4_000.0, midpoint=5_000.0,
    )  # fmt: skip
    return run_id


def drawing(document: Document, name: str) -> str:
    return document.one("path", class_=name)["d"]


def test_the_loss_is_drawn_to_where_training_is_and_not_where_it_was_no_number(client, run_id):
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/steps"):
        document = get(client, path)
        quarter = WIDTH / 8
        assert drawing(document, "line") == "".join([
            f"M0.0 5.0L{quarter} 19.0", f"M{3 * quarter} 26.0L{4 * quarter} 33.0",
        ])  # fmt: skip
        assert drawing(document, "area").count("Z") == 2
        end = document.one("div", id="timeline-drawing")
        assert (end["data-end"], end["data-most"]) == (str(END), "2.0")


def test_the_phase_change_and_lights_lie_where_they_were(client, run_id):
    document = get(client, f"/runs/{run_id}")

    light = document.one("rect", class_="light-driven")
    assert (light["x"], light["width"]) == (f"{WIDTH / 4}", f"{WIDTH / 4}")
    fall = document.one("rect", class_="change")
    assert (fall["x"], fall["width"]) == ("100.0", "400.0"), "to where training is"
    assert drawing(document, "marks") == f"M100.0 0V{HEIGHT}M125.0 0V{HEIGHT}"
    said = document.one("p", id="timeline-says").text
    assert "phase change, onset 4k, midpoint 5k; in colour: while clamps are on" in said


def test_the_time_line_of_a_run_that_ended_early_ends_there(client, engine, outbox, run_id):
    moved(engine, outbox, run_id, RunState.STOPPING, RunState.CANCELLED)
    document = get(client, f"/runs/{run_id}")

    assert document.one("div", id="timeline-drawing")["data-end"] == "20000"
    assert document.one("input", id="frame-slider")["max"] == "20000"
    assert drawing(document, "line").endswith(f"L{WIDTH}.0 33.0")


def test_a_run_that_measured_nothing_yet_has_an_empty_one(client, engine, outbox):
    document = get(client, f"/runs/{new_run(engine, outbox)}")

    assert drawing(document, "line") == drawing(document, "area") == ""
    assert document.one("div", id="timeline-drawing")["data-most"] == ""


def test_sentences_and_events_say_from_where_on_they_hold(client, run_id):
    document = get(client, f"/runs/{run_id}")

    since = [int(one["data-since"]) for one in document.all("p") if "data-since" in one.attributes]
    assert since == [5_000, 20_000]
    assert not re.search(r"data-since=\"\"", client.get(f"/runs/{run_id}").text)
