"""The form of a new run: what it holds, its preview, what it launches and what it refuses."""

import json

import pytest

from app.db.engine import session_scope
from app.db.models import Run
from app.schemas.clamps.catalogue import CATALOGUE
from app.schemas.config import RunConfig
from app.schemas.presets import PRESETS
from app.schemas.state import RunState
from app.services.launch.config_form import form_of
from tests.integration.support.html import Document, get
from tests.integration.support.rows import SMALL


def typed(config: RunConfig = SMALL, **changed: str) -> dict[str, str]:
    return {**form_of(config).typed, **{name.replace("__", "."): v for name, v in changed.items()}}


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


def test_the_catalogue_of_clamps_is_served_with_its_schemas(client):
    served = client.get("/api/v1/clamps").json()

    assert [entry["id"] for entry in served] == [entry.id for entry in CATALOGUE]
    for entry in served:
        assert entry["summary"], entry["id"]
        assert entry["json_schema"]["properties"]["site"], entry["id"]
    schema = client.get("/api/v1/openapi.json").json()["paths"]["/api/v1/clamps"]["get"]
    (example,) = schema["responses"]["200"]["content"]["application/json"]["example"]
    assert example["id"] == served[0]["id"]
