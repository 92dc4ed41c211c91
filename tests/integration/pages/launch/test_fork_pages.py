"""Forks on pages: the way from a run to the form, what the form refuses, and lineage."""

import pytest

from app.db.engine import session_scope
from app.db.models import Run
from app.db.recording import StoredFile
from app.schemas.config import RunConfig, TrainingConfig
from app.schemas.state import RunState
from tests.integration.support.html import Document
from tests.integration.support.rows import (
    SMALL,
    add,
    add_checkpoint,
    change,
    measurement,
    moved,
    new_run,
)

PLACES = (0, 5024, 10_016)


@pytest.fixture
def parent(engine, outbox) -> str:
    """A finished run with three checkpoints."""
    run_id = new_run(engine, outbox, name="Parent")
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    for place in PLACES:
        add(engine, run_id, measurement(place))
        url = f"file:///nowhere/{place}"
        add_checkpoint(engine, run_id, StoredFile(place, url, 7, "0" * 64, has_optimiser=True))
    change(engine, run_id, sequences=10_016, train_loss=0.5)
    return run_id


def get(client, path: str, **query: str) -> Document:
    answer = client.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    return Document(answer.text)


def sent(document: Document) -> dict[str, str]:
    """What a browser without scripts would send of the launch form."""
    typed = {e["name"]: e["value"] for e in document.all("input") if "name" in e.attributes}
    typed |= {e["name"]: e.text for e in document.all("textarea")}
    name = ""
    for element in document.elements:  # of a select, the chosen option
        if element.tag == "select":
            name = element.attributes.get("name", "")  # without one it is not sent
        elif name and element.tag == "option" and "selected" in element.attributes:
            typed[name] = element.attributes.get("value", element.text)
    return typed


def chosen_place(document: Document) -> str:
    """The checkpoint that the form would fork."""
    return sent(document)["fork_at"]


def run_at(engine, answer) -> Run:
    assert answer.status_code == 303, answer.text
    with session_scope(engine) as session:
        return session.get_one(Run, answer.headers["Location"].removeprefix("/runs/"))


def test_a_runs_page_leads_to_the_form_of_its_fork_at_any_checkpoint(client, parent):
    document = get(client, f"/runs/{parent}")

    fork = document.one("a", id="fork")
    assert fork["href"] == f"/runs/new?fork={parent}"
    links = [link["href"] for link in document.all("a") if link.text == "fork"]
    assert links == [f"{fork['href']}&at={place}" for place in reversed(PLACES)]
    assert chosen_place(get(client, fork["href"])) == "10,016"
    assert chosen_place(get(client, links[1])) == "5,024"


def test_the_form_of_a_fork_that_is_sent_as_it_came_repeats_the_parent(client, engine, parent):
    form = get(client, "/runs/new", fork=parent, at="5024", optimiser="reset")

    run = run_at(engine, client.post("/runs", data=sent(form)))

    assert (run.parent_id, run.forked_at, run.fork_optimiser) == (parent, 5024, "reset")
    assert run.name == "Parent, forked at 5,024"
    with session_scope(engine) as session:
        assert run.config == session.get_one(Run, parent).config


def test_a_fork_can_change_its_clamps_rate_seed_and_length(client, engine, parent):
    typed = sent(get(client, "/runs/new", fork=parent))
    typed |= {
        "program": '[{"kind": "ablate", "site": "L1H0.v"}]',
        "training.learning_rate": "1e-4",
        "training.sequences": "20,000",
        "seeds.data": "3",
        "name": "Changed",
    }

    run = run_at(engine, client.post("/runs", data=typed))

    config = RunConfig.model_validate(run.config)
    assert [clamp.kind for clamp in config.program] == ["ablate"]
    assert (config.training.learning_rate, config.training.sequences) == (1e-4, 20_000)
    assert (config.seeds.data, run.name) == (3, "Changed")


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("task.classes", "40", "A fork keeps this as it is in Parent: 50."),
        ("model.width", "32", "A fork keeps this as it is in Parent: 16."),
        ("seeds.evaluation", "7", "A fork keeps this as it is in Parent: 1."),
        (
            "fork_at",
            "5,000",
            "has no checkpoint at 5,000 sequences; the nearest are at 0 and 5,024",
        ),
        ("fork_at", "half way", "Write a whole number."),
        ("fork_optimiser", "lose", "Choose keep or reset."),
        ("training.sequences", "9,000", "would have nothing to train"),
    ],
)
def test_what_a_fork_cannot_be_is_said_at_its_field_and_nothing_is_lost(
    client, parent, field, typed, sentence
):
    form = sent(get(client, "/runs/new", fork=parent)) | {"name": "Kept", field: typed}

    answer = client.post("/runs", data=form)

    assert answer.status_code == 422
    document = Document(answer.text)
    assert sentence in document.one("p", id=f"error-{field.replace('.', '-')}").text
    assert document.one("input", name="name")["value"] == "Kept"
    assert document.one("input", type="hidden", name="fork_of")["value"] == parent
    preview = client.post("/runs/preview", data=form).text
    assert sentence in preview


def test_the_form_says_at_once_that_there_is_no_such_checkpoint(client, parent):
    document = get(client, "/runs/new", fork=parent, at="5000")

    assert "the nearest are at 0 and 5,024" in document.one("p", id="error-fork_at").text


def test_the_form_offers_the_checkpoints_that_there_are_and_begins_with_one_that_can_be_forked(
    client, engine, outbox
):
    run_id = new_run(engine, outbox, trained_for(10_016), name="Whole")
    for place in PLACES:
        file = StoredFile(place, f"file:///nowhere/{place}", 7, "0" * 64, has_optimiser=True)
        add_checkpoint(engine, run_id, file)

    form = get(client, "/runs/new", fork=run_id)
    offered = [one["value"] for one in form.all("option") if one.text.endswith("sequences")]
    answer = client.post("/runs", data=sent(form))

    assert offered == ["10,016", "5,024", "0"]
    assert chosen_place(form) == "5,024"
    assert run_at(engine, answer).forked_at == 5024


def test_a_fork_of_the_very_end_begins_with_as_many_sequences_more(client, engine, outbox):
    run_id = new_run(engine, outbox, trained_for(10_016), name="Whole")
    file = StoredFile(10_016, "file:///nowhere", 7, "0" * 64, has_optimiser=True)
    add_checkpoint(engine, run_id, file)

    form = get(client, "/runs/new", fork=run_id, at="10016")
    run = run_at(engine, client.post("/runs", data=sent(form)))

    assert "The end of that run" in form.one("p", id="note-fork_at").text
    assert (run.forked_at, run.total_sequences) == (10_016, 20_032)


def trained_for(sequences: int) -> RunConfig:
    return SMALL.model_copy(update={"training": TrainingConfig(sequences=sequences)})


def test_a_duplicate_is_called_by_what_it_is_and_no_fork_of_anything(client, engine, parent):
    typed = sent(get(client, "/runs/new", fork=parent, at="5024"))
    automatic = run_at(engine, client.post("/runs", data=typed))
    named = run_at(engine, client.post("/runs", data=typed | {"name": "By hand"}))

    def name(run: Run) -> tuple[str, str]:
        field = get(client, "/runs/new", like=run.id).one("input", id="name")
        return field["value"], field["placeholder"]

    assert automatic.name == "Parent, forked at 5,024"
    assert name(automatic) == ("", "Unclamped · seed 5 · heads 2 · width 16")
    assert name(named)[0] == "By hand"


def test_a_presets_clamps_can_be_taken_over_into_a_fork(client, engine, outbox):
    run_id = new_run(engine, outbox, RunConfig(), name="Eight heads")
    file = StoredFile(0, "file:///nowhere", 7, "0" * 64, has_optimiser=True)
    add_checkpoint(engine, run_id, file)
    form = get(client, "/runs/new", fork=run_id)

    link = next(e["href"] for e in form.all("a") if "preset=match&" in e.attributes.get("href", ""))
    taken = get(client, link)

    assert chosen_place(taken) == "0"
    assert "set_pattern" in taken.one("textarea", name="program").text
    assert taken.one("input", name="training.sequences")["value"] == "1,000,000"


def test_a_run_without_checkpoints_offers_no_fork(client, engine, outbox):
    run_id = new_run(engine, outbox)

    assert not get(client, f"/runs/{run_id}").all("a", id="fork")
    answer = client.get("/runs/new", params={"fork": run_id})
    assert answer.status_code == 409
    assert "has saved no checkpoint yet" in Document(answer.text).one("section", role="alert").text


def test_both_pages_the_table_and_the_chart_show_the_fork(client, engine, parent):
    typed = sent(get(client, "/runs/new", fork=parent, at="5024")) | {"name": "Child"}
    run = run_at(engine, client.post("/runs", data=typed))

    child, family = get(client, f"/runs/{run.id}"), get(client, f"/runs/{parent}")

    text = "forked from Parent at 5,024 sequences, optimiser kept"
    assert child.one("p", id="lineage").text == text
    assert child.one("a", href=f"/runs/{parent}").text == "Parent"
    assert family.one("p", id="lineage").text == "forks: Child at 5,024 (queued)"
    assert family.one("a", href=f"/runs/{run.id}").text == "Child"
    assert "forked from Parent at 5.02k" in get(client, "/runs").one("tr", id=f"run-{run.id}").text
    layout = client.get(f"/api/v1/runs/{run.id}/figures/loss").json()["layout"]
    assert [one["x0"] for one in layout["shapes"] if one["name"] == "fork"] == [5024]
    assert client.delete(f"/api/v1/runs/{parent}", params={"now": True}).status_code == 204
    orphan = get(client, f"/runs/{run.id}").one("p", id="lineage").text
    assert orphan == "forked from Parent (deleted since) at 5,024 sequences, optimiser kept"
