"""A run's moving picture: it is XML, its steps are frames of the run, its numbers those stored."""

import re
from array import array
from xml.etree import ElementTree

import pytest

from app.schemas.config import RunConfig
from tests.integration.support.rows import add, add_frame, change, measurement, new_run

PLACES = [32 * n for n in range(5)]
SVG = "{http://www.w3.org/2000/svg}"
EVIL = "</title><script>alert(1)</script>"


def scores(at: int) -> bytes:
    """Of queries, keys and values: head of layer 2, head of layer 1; only keys grow."""
    keys = [0.1 + at / 1000 * number for number in range(4)]
    return array("f", [0.5] * 4 + keys + [0.5] * 4).tobytes()


@pytest.fixture
def run_id(engine, outbox) -> str:
    run_id = new_run(engine, outbox, name=f"Evil {EVIL}")
    add(engine, run_id, *(measurement(at, loss=1 - at / 200, strength=at / 200) for at in PLACES))
    for at in PLACES:
        add_frame(engine, outbox, run_id, at, composition=scores(at))
    change(engine, run_id, onset=40.0, midpoint=50.0, end=90.0)
    return run_id


def picture(client, run_id: str) -> ElementTree.Element:
    answer = client.get(f"/api/v1/runs/{run_id}/forming.svg")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert f'filename="{run_id}-forming.svg"' in answer.headers["Content-Disposition"]
    return ElementTree.fromstring(answer.text)


def stops(drawn: ElementTree.Element, name: str) -> list[tuple[float, str]]:
    """Of an animation: percent of its round, and what is then."""
    [style] = [one.text or "" for one in drawn.iter(f"{SVG}style")]
    [rules] = re.findall(rf"@keyframes {name}\{{((?:[^{{}}]+\{{[^}}]*\}})*)\}}", style)
    return [(float(at), what) for at, what in re.findall(r"([\d.]+)%\{([^}]*)\}", rules)]


def test_every_frame_is_a_step_and_its_numbers_are_those_stored(client, run_id):
    drawn = picture(client, run_id)

    assert [at for at, _ in stops(drawn, "dot")] == [0, 20, 40, 60, 80, 100]
    # Straight lines need no stops in between.
    for head, name in ((0, "h0-0"), (1, "h0-1"), (0, "h1-0"), (1, "h1-1")):
        ends = [measurement(at, strength=at / 200) for at in (PLACES[0], PLACES[-1])]
        first, last = (
            (one.induction_strength if name[1] == "1" else one.previous_token_strength)[
                int(name[1])
            ]
            for one in ends
        )
        known = [what for _, what in stops(drawn, name)]
        assert known[0] == f"fill-opacity:{first[head]:.2f}"
        assert known[-1] == f"fill-opacity:{last[head]:.2f}"
    grown = {"p1-1": 6.0, "p1-0": 4.0, "p0-1": 2.0, "p0-0": 0.0}
    assert {name: stops(drawn, name)[-1][1] for name in grown} == {
        name: f"stroke-width:{width:.2f}" for name, width in grown.items()
    }
    [title] = [one.text or "" for one in drawn.iter(f"{SVG}title")]
    assert "in 5 steps from 0 to 128 sequences" in title
    assert "from 1.000 to 0.360 nats" in title


def test_it_is_titled_by_the_run_and_holds_no_script(client, run_id):
    drawn = picture(client, run_id)

    texts = [one.text or "" for one in drawn.iter(f"{SVG}text")]
    assert texts[0] == f"Evil {EVIL}"
    assert "phase change" in texts
    assert not list(drawn.iter(f"{SVG}script"))


def test_many_frames_are_thinned_and_frames_of_before_composition_have_no_lines(
    client, engine, outbox
):
    run_id = new_run(engine, outbox)
    places = [32 * n for n in range(150)]
    add(engine, run_id, *(measurement(at) for at in places))
    for at in places:
        add_frame(engine, outbox, run_id, at)
    drawn = picture(client, run_id)

    assert len(stops(drawn, "dot")) == 60 + 1
    assert not [one for one in drawn.iter(f"{SVG}path") if "pair" in one.get("class", "")]


def test_one_layer_has_a_picture_and_a_run_without_frames_says_that_it_has_none(
    client, engine, outbox
):
    config = RunConfig.model_validate({"model": {"layers": 1, "heads": 2, "width": 16}})
    run_id = new_run(engine, outbox, config)
    answer = client.get(f"/api/v1/runs/{run_id}/forming.svg")
    assert answer.status_code == 404
    assert "has no frame yet" in answer.json()["detail"]

    row = measurement(0)
    alone = {"induction_strength": row.induction_strength[:1],
             "previous_token_strength": row.previous_token_strength[:1]}  # fmt: skip
    add(engine, run_id, row.model_copy(update=alone))
    add_frame(engine, outbox, run_id, 0)
    texts = [one.text for one in picture(client, run_id).iter(f"{SVG}text")]
    assert "Layer 1: induction strength" in texts
