"""A run's page: what it shows before its stream begins, what is fetched again, its buttons."""

import json

from app.schemas.config import RunConfig
from app.schemas.state import RunState
from tests.integration.support.html import Document, get, page_data
from tests.integration.support.rows import SMALL, add, change, measurement, moved, new_run

FRAGMENT = {"HX-Request": "true"}


def test_the_tour_of_a_run_without_curves_is_offered_on_the_example(client, engine, outbox):
    run_id = new_run(engine, outbox)

    document = get(client, f"/runs/{run_id}")

    assert "data-empty" in document.one("div", id="tour-steps").attributes


def test_a_run_can_be_duplicated_with_changes_from_its_page_and_from_the_table(client, trained):
    for path in (f"/runs/{trained}", "/runs"):
        (link,) = get(client, path).all("a", href=f"/runs/new?like={trained}")
        assert "Duplicate with changes" in (link.text, link.attributes.get("aria-label")), path


def test_a_runs_page_shows_its_lights_and_its_circuit(client, engine, outbox):
    program = [
        {"kind": "ablate", "site": "L0.q_input", "until_sequences": 100_000},
        {"kind": "ablate", "site": "L1H0.v"},
    ]
    config = RunConfig.model_validate({**SMALL.model_dump(), "program": program})

    document = get(client, f"/runs/{new_run(engine, outbox, config)}")

    card = document.one("section", class_="card area-program")
    drawing = document.one("section", class_="card area-circuit")
    assert "until 100,000 sequences" in card.text
    said = "1 each label attends to the exemplar before it silenced until 100,000 sequences"
    assert said in drawing.text
    assert document.one("span", title="Layer 2, head 0: silenced")
    assert document.one("span", title="Layer 1: silenced until 100,000 sequences")


def test_a_runs_page_holds_everything_before_its_stream_begins(client, trained):
    document = get(client, f"/runs/{trained}")

    data = page_data(document)
    assert data["after"] == 10_016
    assert data["figures"]["metric"]["data"][0]["x"] == [0, 5024, 10_016]
    assert data["frames"] == [5024]
    assert data["probe"][0]["answer"] == "A"
    assert data["run"]["id"] == trained
    assert document.one("div", id="status")["data-state"] == "running"
    assert "10,016 of 1,000,000 sequences" in document.one("div", id="status").text
    told = "phase change: midpoint between 5.02k and 10k (one seed)"
    assert told in document.one("div", id="status").text
    assert "train 0.500" in document.one("div", id="loss-legend").text
    assert "270 kB" in document.one("div", id="checkpoints").text
    assert "Waits for a worker." in document.one("ol", id="events").text


def test_a_phase_change_that_a_clamp_drove_and_that_was_undone_is_said_to_be_so(
    client, engine, outbox
):
    match = {"kind": "set_pattern", "target": "induction", "site": "L1.pattern[query]"}
    program = [{**match, "until_sequences": 20_000}]
    config = RunConfig.model_validate({**SMALL.model_dump(), "program": program})
    run_id = new_run(engine, outbox, config)
    add(engine, run_id, *(measurement(place) for place in (0, 5_000, 10_000, 15_000, 25_000)))
    change(engine, run_id, onset=4_000.0, midpoint=12_000.0, reversal=25_000.0)

    document = get(client, f"/runs/{run_id}")

    said = "phase change under clamp: midpoint between 10k and 15k, reversed by 25k (one seed)"
    assert said in document.one("div", id="status").text
    row, of_study, chip, report = where_midpoints_stand(client, run_id)
    assert "12k under clamp, reversed by 25k" in row
    assert "12k under clamp, reversed by 25k" in of_study
    assert "midpoint 12k, between 10k and 15k, under clamp, reversed by 25k" in chip
    assert "12k, under clamp, reversed by 25k" in report
    head = document.one("button", data_layer="1", data_head="0", aria_pressed="false")
    assert json.loads(head["data-windows"]) == [[0, 20_000]]
    change(engine, run_id, midpoint=22_000.0, reversal=None)
    later = get(client, f"/runs/{run_id}").one("div", id="status").text
    assert "phase change: midpoint between 15k and 25k (one seed)" in later
    for text in where_midpoints_stand(client, run_id):
        assert "22k" in text
        assert "under clamp" not in text
        assert "reversed" not in text


def where_midpoints_stand(client, run_id: str) -> list[str]:
    """The run's row in the list and in a study, its chip in a comparison, and its line in the
    report of that."""
    row = get(client, "/runs").one("tr", id=f"run-{run_id}")
    study = client.post(f"/runs/{run_id}/seeds", follow_redirects=False).headers["location"]
    of_study = get(client, study).one("tr", id=f"run-{run_id}")
    [chip] = get(client, f"/compare?runs={run_id}").all("li", class_="chip")
    report = get(client, f"/api/v1/compare/report.html?runs={run_id}")
    [line] = [one for one in report.all("tr") if run_id in one.text]
    return [row.text, of_study.text, chip.text, line.text]


def test_a_runs_page_has_a_map_for_every_head(client, trained):
    document = get(client, f"/runs/{trained}")

    maps = [e for e in document.all("button") if e.attributes.get("data-name")]
    assert [e["data-name"] for e in maps] == [
        "Layer 2, head 0",
        "Layer 2, head 1",
        "Layer 1, head 0",
        "Layer 1, head 1",
    ]


def test_the_status_of_a_run_is_a_fragment_with_events_and_checkpoints(client, trained):
    document = Document(client.get(f"/runs/{trained}/status", headers=FRAGMENT).text)

    assert document.one("div", id="status")["data-state"] == "running"
    assert document.one("ol", id="events")["hx-swap-oob"] == "outerMorph"
    assert document.one("div", id="checkpoints")["hx-swap-oob"] == "outerMorph"


def test_a_waiting_run_says_what_it_waits_for(client, engine, outbox):
    document = get(client, f"/runs/{new_run(engine, outbox)}")

    assert "waits for a free worker" in document.one("div", id="status").text
    assert page_data(document)["after"] == -1
    assert document.one("button", id="cancel")


def test_a_run_that_failed_says_why_and_shows_no_empty_charts(client, engine, outbox):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.FAILED)
    change(engine, run_id, error_kind="dataset", error_message="There is no file /x.npz.")

    document = get(client, f"/runs/{run_id}")

    assert document.one("div", role="status").text == (
        "Training failed There is no file /x.npz. The last lines of its log"
    )
    assert not document.all("div", id="loss-chart")
    assert not document.all("button", id="cancel")


def test_the_cancel_button_works_without_javascript(client, engine, outbox):
    run_id = new_run(engine, outbox)

    answer = client.post(f"/runs/{run_id}/cancel")

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/runs/{run_id}")
    assert "cancelled" in get(client, f"/runs/{run_id}").one("div", id="status").text


def test_the_pause_button_becomes_a_resume_button(client, engine, outbox):
    run_id = new_run(engine, outbox)

    answer = client.post(f"/runs/{run_id}/pause")
    paused = get(client, f"/runs/{run_id}")
    swapped = client.post(f"/runs/{run_id}/resume", headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/runs/{run_id}")
    assert "goes on when it is resumed" in paused.one("div", id="status").text
    assert paused.one("button", id="resume")
    assert not paused.all("button", id="pause")
    fragment = Document(swapped.text)
    assert fragment.one("div", id="status")["data-state"] == "queued"
    assert fragment.one("button", id="pause")


def test_cancelling_a_run_that_has_ended_is_a_page_that_says_so(client, engine, outbox):
    run_id = new_run(engine, outbox)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)

    answer = client.post(f"/runs/{run_id}/cancel")

    assert answer.status_code == 409
    assert "already finished" in Document(answer.text).one("section", role="alert").text
