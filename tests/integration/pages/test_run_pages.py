"""Pages over a real server and database: what they show, and what forms do."""

import json

import pytest

from app.db.engine import session_scope
from app.db.models import Run
from app.schemas.clamps.catalogue import CATALOGUE
from app.schemas.config import RunConfig
from app.schemas.presets import PRESETS
from app.schemas.state import RunState
from app.services.launch.config_form import form_of
from app.services.notes import notes_html
from tests.integration.support.html import Document, get, page_data
from tests.integration.support.rows import SMALL, add, change, measurement, moved, new_run

FRAGMENT = {"HX-Request": "true"}


def typed(config: RunConfig = SMALL, **changed: str) -> dict[str, str]:
    return {**form_of(config).typed, **{name.replace("__", "."): v for name, v in changed.items()}}


def home(client) -> str:
    answer = client.get("/")
    assert answer.status_code == 307
    return answer.headers["Location"]


def test_the_address_welcomes_who_has_launched_nothing_yet_and_leads_others_to_the_runs(
    client, engine, outbox
):
    assert home(client) == "/welcome"
    new_run(engine, outbox)  # as a first start does
    client.post("/welcome/example")
    assert home(client) == "/welcome"
    new_run(engine, outbox)
    assert home(client) == "/runs"


def test_the_example_is_there_before_anything_is_trained_with_curves_frames_and_a_tour(client):
    document = get(client, "/welcome")
    assert [one["action"] for one in document.all("form")] == ["/welcome/example"]
    assert {"/runs/new", "/paper"} <= {one["href"] for one in document.all("a", class_="button")}
    picture = client.get(document.one("figure") and document.all("img")[0]["src"])
    assert picture.headers["Content-Type"] == "image/svg+xml"

    first = client.post("/welcome/example")
    again = client.post("/welcome/example", data={"tour": "yes"})

    assert first.status_code == 303
    assert again.headers["Location"] == f"{first.headers['Location']}#tour"
    run = client.get(f"/api/v1{first.headers['Location']}").json()
    assert (run["state"], run["name"]) == ("finished", "Example: a circuit forms")
    assert run["phase_change"]["midpoint"] > 0
    frames = client.get(f"/api/v1{first.headers['Location']}/frames").json()
    assert len(frames["sequences"]) > 50
    assert "is among your runs" in get(client, "/welcome").one("section").text
    tour = get(client, first.headers["Location"]).one("div", id="tour-steps")
    assert "data-empty" not in tour.attributes


def test_a_run_is_renamed_and_given_notes_and_tags_on_its_page(client, trained):
    form = {"name": " Better ", "tags": "a, b, a", "notes": "**Why**\r\n\r\n- it fell"}

    answer = client.post(f"/runs/{trained}/about", data=form)

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/runs/{trained}")
    run = client.get(f"/api/v1/runs/{trained}").json()
    assert (run["name"], run["tags"]) == ("Better", ["a", "b"])
    assert run["notes"] == "**Why**\n\n- it fell"
    document = get(client, f"/runs/{trained}")
    assert document.one("h1").text == "Better"
    assert "<strong>Why</strong>" in client.get(f"/runs/{trained}").text
    assert document.one("textarea", name="notes").text == "**Why** - it fell"
    [edit] = get(client, "/runs").all("a", href=f"/runs/{trained}#about")
    assert edit["aria-label"].startswith("Notes and tags")
    refused = client.post(f"/runs/{trained}/about", data={**form, "name": " "})
    assert refused.status_code == 422
    assert "Name: write one" in Document(refused.text).one("section", role="alert").text


@pytest.mark.parametrize(
    "notes",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        '[x](https://a.b "q\\" onclick=alert(1) ")',
        "![x](https://elsewhere/who-reads.png)",
        "<javascript:alert(1)>",
        "# a\n\n```\n</textarea><script>\n```",
    ],
)
def test_nothing_in_notes_runs_or_is_fetched(notes):
    document = Document(f"<main>{notes_html(notes)}</main>")

    assert not {"script", "img", "textarea", "iframe"} & {one.tag for one in document.elements}
    for element in document.elements:
        assert not [name for name in element.attributes if name.startswith("on")]
        assert not element.attributes.get("href", "").startswith(("javascript", "data", "vb"))


def test_the_tour_of_a_run_without_curves_is_offered_on_the_example(client, engine, outbox):
    run_id = new_run(engine, outbox)

    document = get(client, f"/runs/{run_id}")

    assert "data-empty" in document.one("div", id="tour-steps").attributes


def test_an_empty_table_offers_the_first_step(client):
    document = get(client, "/runs")

    assert "No runs yet" in document.one("section").text
    offered = [link.text for link in document.all("a", class_="button primary", href="/runs/new")]
    assert offered == ["New run", "Start the first run"]


def test_the_table_shows_state_progress_loss_phase_change_and_age(client, trained):
    document = get(client, "/runs")

    row = document.one("tr", id=f"run-{trained}").text
    for part in ("Trained", "fig 3", "running", "10k of 1M", "0.500", "6k", "just now"):
        assert part in row
    assert document.one("div", role="progressbar")["aria-valuenow"] == "1"
    assert document.one("tbody", hx_trigger="refresh")["data-refresh-seconds"] == "2"


def test_the_table_is_a_fragment_for_htmx(client, trained):
    answer = client.get("/runs", headers=FRAGMENT)

    assert answer.text.strip().startswith('<div id="runs-table"')
    assert "<html" not in answer.text


def test_older_runs_are_a_page_further(client, engine, outbox):
    runs = [new_run(engine, outbox) for _ in range(51)]

    first = get(client, "/runs")
    (older,) = [link for link in first.all("a", class_="button") if link.text == "Older runs"]
    second = get(client, older["href"])

    shown = [e["id"] for page in (first, second) for e in page.all("tr") if "id" in e.attributes]
    assert shown == [f"run-{run_id}" for run_id in reversed(runs)]


def test_the_form_holds_every_option_and_the_chosen_preset(client):
    document = get(client, "/runs/new", params={"preset": "match"})

    names = {e.attributes.get("name") for e in document.elements}
    assert set(form_of(RunConfig()).typed) <= names
    assert document.one("input", name="training.sequences")["value"] == "600,000"
    assert document.one("a", aria_current="true").text.startswith("Match fixed")
    assert document.one("button", id="head-1-3")["aria-label"] == "Layer 2, head 3: induction"
    assert document.one("button", id="head-1-0")["aria-pressed"] == "true"
    assert json.loads(document.one("textarea", name="program").text)[0]["kind"] == "set_pattern"


def test_a_form_can_start_from_another_run(client, trained):
    document = get(client, "/runs/new", params={"like": trained})

    assert document.one("input", name="model.heads")["value"] == "2"
    assert document.one("input", name="name")["value"] == "Trained"


def test_an_unknown_preset_is_a_page_that_names_the_known_ones(client):
    answer = client.get("/runs/new", params={"preset": "fig99"})

    assert answer.status_code == 404
    said = Document(answer.text).one("section", role="alert").text
    assert "no preset 'fig99'" in said
    assert all(preset.id in said for preset in PRESETS)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_a_form_that_is_sent_as_it_came_launches_its_preset(client, engine, preset):
    answer = client.post("/runs", data=typed(preset.config, name="From a form"))

    assert answer.status_code == 303
    with session_scope(engine) as session:
        run = session.get_one(Run, answer.headers["Location"].removeprefix("/runs/"))
        assert RunConfig.model_validate(run.config) == preset.config
        assert (run.name, run.state) == ("From a form", RunState.QUEUED)


def test_a_form_with_errors_comes_back_with_everything_that_was_typed(client, engine):
    program = '[{"kind": "ablate", "site": "L1H0.v"}]'
    wrong = typed(task__classes="none", program=program, name="Keep me")

    answer = client.post("/runs", data=wrong)

    assert answer.status_code == 422
    document = Document(answer.text)
    assert document.one("input", name="task.classes")["value"] == "none"
    assert document.one("p", id="error-task-classes").text == "Write a whole number."
    assert document.one("input", id="task-classes")["aria-invalid"] == "true"
    assert document.one("textarea", name="program").text == program
    assert document.one("input", name="name")["value"] == "Keep me"
    assert document.one("div", id="refusal").text == (
        "Nothing was launched One thing is to be put right. "
        "Training classes : Write a whole number."
    )
    assert "hidden" not in document.one("div", id="refusal").attributes
    with session_scope(engine) as session:
        assert session.query(Run).count() == 0


def test_a_name_that_is_too_long_is_an_error_at_its_field(client):
    answer = client.post("/runs", data=typed(name="x" * 201))

    assert answer.status_code == 422
    assert "200" in Document(answer.text).one("p", id="error-name").text


def test_the_preview_shows_the_lights_the_circuit_and_what_it_costs(client):
    program = '[{"kind": "set_pattern", "site": "L1H1.pattern[query]", "target": "induction"}]'

    answer = client.post("/runs/preview", data=typed(program=program))

    assert answer.status_code == 200
    document = Document(answer.text)
    assert "Fixed: step 4." in document.one("div", class_="words").text
    assert "training on an idle worker about" in document.one("dl").text
    assert all(error.text == "" for error in document.all("p", class_="error"))
    grid = document.one("div", id="clamp-grid", hx_swap_oob="outerMorph")
    assert "1 induction" in grid.text
    assert [e["id"] for e in document.all("button", aria_pressed="true")] == ["head-1-1"]
    (row,) = document.all("li", id="clamp-0")
    assert "Layer 2, head 1 always attends from the query to the correct label." in row.text


def test_the_preview_brings_errors_to_their_fields_and_clamps(client):
    program = '[{"kind": "ablate", "site": "L0H0.v"}, {"kind": "ablate", "site": "L0H9.v"}]'

    answer = client.post("/runs/preview", data=typed(task__labels="2", program=program))

    document = Document(answer.text)
    assert document.one("p", id="error-program-0").text == ""
    assert document.one("p", id="error-program-1").text == ("L0H9.v: the model has heads 0 to 1.")
    (section,) = document.all("p", id="error-task")
    assert "2 labels in context" in section.text
    assert "This program cannot be" in document.one("div", class_="words").text


def test_a_preview_without_a_script_is_the_page_with_what_was_typed(client):
    answer = client.post(
        "/runs/new", data=typed(program='[{"kind": "ablate", "site": "L1.v"}]', name="Mine")
    )

    document = Document(answer.text)
    assert document.one("input", name="name")["value"] == "Mine"
    assert "Silenced: steps 3q, 3k, 3v, 4 and 5." in document.one("div", class_="words").text


def test_a_form_says_which_preset_it_began_with_and_what_was_changed(client):
    answer = client.post("/runs", data={**typed(task__classes="none"), "preset": "match"})

    assert answer.status_code == 422
    said = Document(answer.text).one("p", id="preset-summary").text
    assert said.startswith("Begun with “Match fixed”, changed since: clamps, ")
    assert "training classes none" in said


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


def test_the_catalogue_of_clamps_is_served_with_its_schemas(client):
    served = client.get("/api/v1/clamps").json()

    assert [entry["id"] for entry in served] == [entry.id for entry in CATALOGUE]
    for entry in served:
        assert entry["summary"], entry["id"]
        assert entry["json_schema"]["properties"]["site"], entry["id"]
    schema = client.get("/api/v1/openapi.json").json()["paths"]["/api/v1/clamps"]["get"]
    (example,) = schema["responses"]["200"]["content"]["application/json"]["example"]
    assert example["id"] == served[0]["id"]


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


@pytest.mark.parametrize("path", ["/runs/none", "/nothing"])
def test_what_is_not_there_is_a_page_that_leads_back(client, path):
    answer = client.get(path)

    assert answer.status_code == 404
    document = Document(answer.text)
    assert document.one("section", role="alert").text.startswith("404 Not Found")
    assert document.one("a", class_="button")["href"] == "/runs"


def test_the_reference_lists_every_operation_of_the_api(client):
    document = get(client, "/docs")

    openapi = client.get(document.one("a", class_="button")["href"]).json()
    operations = [
        item[method]["operationId"] for item in openapi["paths"].values() for method in item
    ]
    assert sorted(section["id"] for section in document.all("section")) == sorted(operations)


@pytest.mark.parametrize("path", ["/runs", "/runs/new", "/docs"])
def test_every_file_that_a_page_loads_is_served_from_here(client, path):
    document = get(client, path)

    files = [e["src"] for e in document.all("script") if "src" in e.attributes]
    files += [e["href"] for e in document.all("link")]
    assert files
    for file in files:
        assert file.startswith("/static/"), file
        if "/vendor/" not in file:  # put there by the set-up, which these tests do without
            assert client.get(file).status_code == 200, file


def test_what_people_type_who_look_for_the_form_leads_to_it(client):
    answer = client.get("/new")

    assert answer.status_code == 307
    assert answer.headers["Location"] == "/runs/new"
