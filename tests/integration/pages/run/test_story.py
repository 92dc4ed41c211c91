"""A run's page in sentences: true of clamped, failed and plateau-less runs, and of NaN."""

import math

import pytest

from app.schemas.config import RunConfig
from app.schemas.state import RunState
from tests.integration.support.html import Document, get
from tests.integration.support.rows import SMALL, add, change, measurement, moved, new_run

MATCH = {"kind": "set_pattern", "target": "induction", "site": "L1.pattern[query]"}
# Sequences: loss, strength. A plateau, then the drop, then the heads.
COURSE = {
    0: (2.0, 0.0),
    5_000: (0.8, 0.1),
    20_000: (0.7, 0.2),
    25_000: (0.5, 0.4),
    30_000: (0.2, 0.9),
}
PLACES = {
    "plateau_start": 4_900.0,
    "plateau_end": 21_000.0,
    "onset": 21_000.0,
    "midpoint": 28_000.0,
}


@pytest.fixture
def trained_so(engine, outbox):
    """A run of this program with these losses and strengths, in a state."""

    def trained_so(course=COURSE, program=(), ended=None, **places) -> str:
        config = RunConfig.model_validate({**SMALL.model_dump(), "program": program})
        run_id = new_run(engine, outbox, config)
        moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
        rows = [measurement(at, loss=loss, strength=by) for at, (loss, by) in course.items()]
        add(engine, run_id, *rows)
        change(engine, run_id, sequences=max(course), total_sequences=40_000, **places)
        if ended is not None:
            moved(engine, outbox, run_id, ended)
        return run_id

    return trained_so


def story(document: Document) -> str:
    return document.one("section", id="story").text


def test_a_run_with_a_plateau_is_told_from_it_to_its_heads(client, trained_so):
    run_id = trained_so(**PLACES)
    document = get(client, f"/runs/{run_id}")

    for said in (
        "The training loss came down to 1.2 ln 2 between 0 and 5k",
        "and to 0.95 ln 2 between 20k and 25k : between the two it waited near "
        "ln 2 = 0.693, where a model "
        "guesses between the two labels in context.",
        "Then it fell: onset between 20k and 25k , midpoint between 25k and 30k .",
        "Layer 1, head 1 was the first at half of previous-token strength, between 25k and 30k",
        "Layer 2, head 1 was the first at half of induction strength, between 25k and 30k",
        "At 30,000 sequences its loss is at 0.200 nats, and at 0.230 on classes that it was never",
    ):
        assert said in story(document), said
    links = [one["href"] for one in document.all("a") if one.text == "between 25k and 30k"]
    [link] = {one for one in links if "loss" in one}
    assert link == f"/runs/{run_id}?from=21000&to=34000#loss-title"
    assert client.get(link).status_code == 200
    assert story(get(client, f"/runs/{run_id}/steps")) == story(document), "as it trains"
    assert "was the first at half" in client.get(f"/api/v1/runs/{run_id}/report.html").text


def test_what_a_clamp_did_is_not_told_as_if_it_was_learned(client, trained_so):
    course = {0: (2.0, 0.99), 5_000: (0.3, 0.99), 30_000: (1.0, 0.1)}
    run_id = trained_so(
        course, [{**MATCH, "until_sequences": 20_000}], onset=3_000.0, midpoint=4_000.0,
        reversal=30_000.0,
    )  # fmt: skip

    said = story(get(client, f"/runs/{run_id}"))

    assert "The training loss fell under a clamp without a plateau: onset between 0 and 5k" in said
    assert "; by 30k it was back above where the fall had begun." in said
    held = "half of induction strength, from the first measurement on, held there by a clamp until"
    assert f"{held} 20,000 sequences; no head is by now." in said
    assert "waited" not in said


def test_a_run_that_failed_is_told_to_where_its_loss_is_no_number(client, trained_so):
    course = {0: (2.0, 0.0), 5_000: (1.5, math.nan), 10_000: (math.nan, math.nan)}

    said = story(get(client, f"/runs/{trained_so(course, ended=RunState.FAILED)}"))

    assert "No phase change was seen." in said
    assert "Its training loss is not a finite number at 10,000 sequences." in said
    for wrong in ("nan", "was the first at", "its loss is at", "fell", "waited"):
        assert wrong not in said, wrong


def test_a_fork_tells_of_its_own_drop_alone(client, engine, trained_so):
    parent = {"forked_at": 5_000, "parent_name": "Before"}
    none = trained_so({0: (0.3, 0.0), 5_000: (0.2, 0.1)}, ended=RunState.FAILED, **parent)
    own = trained_so({0: (2.0, 0.0), 5_000: (0.1, 0.1)}, onset=3_000.0, midpoint=4_000.0, **parent)

    assert "No phase change was seen since the fork." in story(get(client, f"/runs/{none}"))
    said = story(get(client, f"/runs/{own}"))
    assert "Since the fork the training loss fell: onset between 0 and 5k" in said


def test_a_run_without_measurements_has_no_story_yet(client, engine, outbox):
    document = get(client, f"/runs/{new_run(engine, outbox)}")

    assert "hidden" in document.one("section", id="story").attributes
