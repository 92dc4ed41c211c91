"""Pages of studies: the list, the form and its preview, one study, and its links to runs."""

import json
from html import unescape

import pytest

from app.schemas.config import SEED_END
from app.schemas.state import RunState
from app.schemas.studies.presets import STUDY_PRESETS
from app.schemas.studies.request import StudyRequest
from tests.integration.support.html import Document
from tests.integration.support.rows import SMALL, add, change, measurement, moved, new_run

SHORT = {"training": {"sequences": 640}}
SEEDS = {"field": "seeds.initial", "values": [5, 6, 7]}
CLAMPS = {"field": "program", "values": [{"preset": "match"}, {"preset": "copy"}]}
REQUEST = {"name": "Clamps by seeds", "base": SHORT, "axes": [CLAMPS, SEEDS]}
HTMX = {"HX-Request": "true"}


def get(client, path: str, **query) -> Document:
    answer = client.get(path, params=query or None)
    assert answer.status_code == 200, answer.text
    return Document(answer.text)


def launched(client, **request) -> dict:
    answer = client.post("/api/v1/studies", json=request)
    assert answer.status_code == 202, answer.text
    return answer.json()


def sent(document: Document) -> list[tuple[str, str]]:
    """What a browser without scripts would send of the form."""
    fields = []
    for element in document.all("input"):
        is_box = element.attributes.get("type") == "checkbox"
        if "name" in element.attributes and (not is_box or "checked" in element.attributes):
            fields.append((element["name"], element["value"]))
    fields += [(area["name"], "".join(area.words)) for area in document.all("textarea")]
    name, first = "", False
    for element in document.elements:
        if element.tag == "select":
            name, first = element.attributes.get("name", ""), True
        elif element.tag == "option" and name:
            value = element.attributes.get("value", element.text)
            if first:
                fields.append((name, value))
            elif "selected" in element.attributes:
                fields[-1] = (name, value)
            first = False
    return fields


def posted(client, path: str, fields: list[tuple[str, str]], **changed: str):
    names = {name.replace("__", "."): value for name, value in changed.items()}
    names = {name.replace("_of_", "-"): value for name, value in names.items()}
    data: dict[str, list[str]] = {}
    for name, value in fields:
        data.setdefault(name, []).append(value)
    return client.post(path, data=data | names, follow_redirects=False)


def planned(document: Document) -> list[str]:
    start = next(
        i
        for i, e in enumerate(document.elements)
        if e.attributes.get("class", "").startswith("planned")
    )
    return [e.text for e in document.elements[start:] if e.tag == "li"]


def test_no_studies_offer_a_first_step(client):
    document = get(client, "/studies")

    assert "No studies yet" in document.one("h2").text
    assert [link["href"] for link in document.all("a", class_="button primary")] == [
        "/studies/new"
    ] * 2
    [here] = [link.text for link in document.all("a", aria_current="page")]
    assert here == "Studies"


def test_the_list_says_how_far_every_study_is(client, engine, outbox):
    study = launched(client, **REQUEST)
    first = study["runs"][0]["id"]
    moved(engine, outbox, first, RunState.STARTING, RunState.RUNNING)
    change(engine, first, sequences=320, sequences_per_second=32.0)

    document = get(client, "/studies")

    row = document.one("tr", id=f"study-{study['id']}")
    assert "Clamps by seeds" in row.text
    assert "2 × clamps, 3 × initial weights" in row.text
    assert "5 queued, 1 running" in row.text
    assert "320 of 3.84k" in row.text
    assert "1 min 50 s" in row.text
    assert document.one("div", role="progressbar")["aria-valuenow"] == "8"
    table = client.get("/studies", headers=HTMX)
    assert table.text.lstrip().startswith('<div id="refreshed"')


@pytest.mark.parametrize("preset", STUDY_PRESETS, ids=lambda preset: preset.id)
def test_a_preset_survives_the_form(client, preset):
    document = get(client, "/studies/new", preset=preset.id)
    answer = posted(client, "/studies", sent(document))

    assert answer.status_code == 303, answer.text
    made = client.get(f"/api/v1{answer.headers['Location']}").json()
    wanted = client.post(
        "/api/v1/studies?dry_run=true", json=preset.request.model_dump(mode="json")
    ).json()
    assert made["name"] == preset.request.name
    assert [run["values"] for run in made["runs"]] == [run["values"] for run in wanted["runs"]]
    hashes = {
        client.get(f"/api/v1/runs/{run['id']}").json()["config_hash"] for run in made["runs"][:3]
    }
    assert hashes == {run["config_hash"] for run in wanted["runs"][:3]}


def test_the_form_starts_with_seeds_and_previews_what_is_typed(client, engine, outbox):
    kept = new_run(engine, outbox)
    document = get(client, "/studies/new")
    assert planned(document) == [f"Initial weights seed {seed}" for seed in range(5, 10)]
    fields = sent(document)

    answer = client.post(
        "/studies/preview",
        data=dict(fields) | {"axis-0-values": "5, 6; 7", "axis-1-field": "training.learning_rate",
                             "axis-1-values": "1e-5, 3e-5"},
    )  # fmt: skip
    preview = Document(answer.text)

    assert "5, 6" in preview.one("p", id="error-axis-0").text
    answer = client.post(
        "/studies/preview",
        data=dict(fields) | {"axis-0-values": "5..6", "axis-1-field": "training.learning_rate",
                             "axis-1-values": "1e-5, 3e-5"},
    )  # fmt: skip
    preview = Document(answer.text)
    assert planned(preview)[1] == "Initial weights seed 5, learning rate 3e-5"
    assert preview.one("p", id="error-axis-0").text == ""
    assert client.get(f"/api/v1/runs/{kept}").status_code == 200


def test_ticked_clamps_and_written_programs_are_one_axis(client):
    fields = sent(get(client, "/studies/new"))
    program = [{"kind": "ablate", "site": "L1H3.v"}]
    fields = [one for one in fields if not one[0].startswith("axis-0")]
    fields += [
        ("axis-0-field", "program"),
        ("axis-0-presets", "match"),
        ("axis-0-presets", "copy"),
        ("axis-0-programs", json.dumps([{"label": "silenced", "program": program}])),
    ]

    answer = posted(client, "/studies", fields, training__sequences="640")

    study = client.get(f"/api/v1{answer.headers['Location']}").json()
    assert [run["name"] for run in study["runs"]] == ["Match fixed", "Copy perfect", "Silenced"]
    config = client.get(f"/api/v1/runs/{study['runs'][2]['id']}/config").json()
    assert config["program"][0]["site"] == "L1H3.v"
    assert config["training"]["sequences"] == 640
    again = get(client, "/studies/new", like=study["id"])
    assert sorted(planned(again)) == sorted(["Match fixed", "Copy perfect", "Silenced"])


@pytest.mark.parametrize(
    ("changed", "place", "sentence"),
    [
        ({"axis_of_0_of_values": ""}, "error-axis-0", "for instance 5, 6, 7"),
        ({"axis_of_0_of_values": "5, x"}, "error-axis-0", "seeds.initial: Write a whole number."),
        (
            {"axis_of_0_of_field": "task.labels", "axis_of_0_of_values": "5, 1"},
            "error-axis-0",
            "Labels 1: ",
        ),
        ({"axis_of_0_of_field": "program"}, "error-axis-0", "Tick the clamps to compare"),
        ({"runs": "[{"}, "error-runs", "This is not JSON"),
        ({"runs": '[{"changes": {"a": 1}}]'}, "error-runs", "'a' means nothing here"),
        ({"task__labels": "many"}, "error-task-labels", "Write a whole number."),
        ({"program": '[{"kind": "zap"}]'}, "", "'zap' is no kind of clamp"),
    ],
)
def test_what_is_wrong_stands_at_its_row_and_nothing_typed_is_lost(
    client, changed, place, sentence
):
    fields = sent(get(client, "/studies/new"))

    answer = posted(client, "/studies", fields, **changed)

    assert answer.status_code == 422
    document = Document(answer.text)
    assert "Nothing was launched" in document.one("div", id="refusal").text
    assert sentence in unescape(answer.text)
    if place:
        assert sentence in document.one("p", id=place).text
    typed = dict(sent(document))
    for name, value in changed.items():
        assert typed[name.replace("__", ".").replace("_of_", "-")] == value
    assert client.get("/api/v1/studies").json()["studies"] == []


def test_the_launch_form_and_any_run_lead_to_a_study_of_their_config(client, engine, outbox):
    document = get(client, "/runs/new", preset="match")
    [button] = [b for b in document.all("button") if b.text == "Make it a study"]
    assert button["formaction"] == "/studies/new"

    answer = posted(client, "/studies/new", sent(document), training__sequences="640")

    form = Document(answer.text)
    assert len(planned(form)) == 5
    assert "always attends from the query" in answer.text
    assert dict(sent(form))["training.sequences"] == "640"
    run_id = new_run(engine, outbox)
    assert dict(sent(get(client, "/studies/new", run=run_id)))["model.heads"] == "2"
    for wrong in ({"preset": "x"}, {"base": "x"}, {"like": "x"}, {"run": "x"}):
        assert client.get("/studies/new", params=wrong).status_code == 404


def test_the_page_of_a_study_shows_its_runs_and_holds_its_figure(client, engine, outbox):
    study = launched(client, **REQUEST)
    first = study["runs"][0]["id"]
    add(engine, first, measurement(0), measurement(320))
    moved(engine, outbox, first, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    change(engine, first, sequences=640, midpoint=300.0, end=500.0, train_loss=0.25)

    document = get(client, f"/studies/{study['id']}", group="each", metric="accuracy.train")

    assert document.one("h1").text == "Clamps by seeds"
    rows = [row for row in document.all("tr") if row.attributes.get("id", "").startswith("run-")]
    assert len(rows) == 6
    assert "Match fixed, initial weights seed 5" in rows[0].text
    assert rows[0].text.endswith("0.250 300 under clamp 500")
    known = [one.attributes.get("title") for one in document.all("td", data_label="Midpoint")]
    assert known == ["between 0 and 320", *[None] * 5]
    data = json.loads(document.one("script", id="page-data").words[0])
    assert [trace["uid"] for trace in data["figure"]["data"]] == [first]
    assert data["figure"]["data"][0]["y"] == [0.5, 0.5]
    assert data["usual"] == {"metric": "loss.train", "group": "program", "view": "overlay"}
    chosen = [o["value"] for o in document.all("option") if "selected" in o.attributes]
    assert chosen == ["accuracy.train", "each"]
    for wrong in ({"metric": "x"}, {"group": "x"}, {"view": "x"}):
        assert client.get(f"/studies/{study['id']}", params=wrong).status_code == 422
    second = study["runs"][1]["id"]
    on_run = get(client, f"/runs/{second}").one("p", id="studies")
    assert on_run.text == "in the study Clamps by seeds"


def test_what_changes_on_a_studys_page_is_fetched_again(client, engine, outbox):
    study = launched(client, **REQUEST)
    document = get(client, f"/studies/{study['id']}")
    url = document.one("div", id="refreshed")["hx-get"]
    assert document.one("div", id="refreshed")["data-refresh-seconds"] == "3"

    for verb, state in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        answer = client.post(f"/studies/{study['id']}/{verb}")
        assert answer.headers["Location"] == f"/studies/{study['id']}"
        again = get(client, url)
        assert f"all 6 {state}" in again.one("div", id="refreshed").text
        assert state in again.one("div", id="members").text
    assert again.one("div", id="refreshed")["data-refresh-seconds"] == "0"
    assert not again.all("form")


def test_large_studies_list_their_runs_page_by_page(client):
    axis = {"field": "seeds.initial", "values": [*range(205)]}
    study = launched(client, base=SHORT, axes=[axis])

    first = get(client, f"/studies/{study['id']}")
    [later] = [link["href"] for link in first.all("a") if link.text == "Later runs"]
    rest = get(client, later)

    def count(document: Document) -> int:
        return sum(e.attributes.get("id", "").startswith("run-") for e in document.all("tr"))

    assert (count(first), count(rest)) == (200, 5)
    assert [link["href"] for link in rest.all("a") if link.text == "Earlier runs"]


def test_every_study_preset_is_served_and_can_be_sent_back(client):
    served = client.get("/api/v1/presets/studies").json()

    assert [preset["id"] for preset in served] == [preset.id for preset in STUDY_PRESETS]
    for preset, known in zip(served, STUDY_PRESETS, strict=True):
        assert StudyRequest.model_validate(preset["request"]) == known.request
        answer = client.post("/api/v1/studies?dry_run=true", json=preset["request"])
        assert answer.status_code == 200, answer.text


def more_seeds(client, run_id: str):
    return client.post(f"/runs/{run_id}/seeds", follow_redirects=False)


def test_a_run_is_repeated_with_four_more_seeds_in_a_study_with_it(client, engine, outbox):
    run_id = new_run(engine, outbox, name="First", tags=["fig 5"])
    assert get(client, f"/runs/{run_id}").one("button", id="more-seeds")

    answer = more_seeds(client, run_id)

    assert answer.status_code == 303
    study = client.get(f"/api/v1{answer.headers['Location']}").json()
    assert (study["name"], study["tags"]) == ("First: 5 seeds", ["fig 5"])
    # Itself, though it has not finished.
    assert [run["is_reused"] for run in study["runs"]] == [True, False, False, False, False]
    assert study["runs"][0]["id"] == run_id
    configs = [client.get(f"/api/v1/runs/{run['id']}/config").json() for run in study["runs"]]
    assert [config["seeds"].pop("initial") for config in configs] == [5, 6, 7, 8, 9]
    assert all(config == configs[0] for config in configs)

    again = more_seeds(client, run_id)
    assert again.headers["Location"] == answer.headers["Location"]
    client.post(f"/api/v1/runs/{study['runs'][1]['id']}/cancel")
    assert more_seeds(client, run_id).headers["Location"] != answer.headers["Location"]


def test_seeds_go_on_from_zero_after_the_last(client, engine, outbox):
    seeds = {"initial": SEED_END - 2}
    run_id = new_run(engine, outbox, SMALL.model_validate({**dict(SMALL), "seeds": seeds}))

    study = client.get(f"/api/v1{more_seeds(client, run_id).headers['Location']}").json()

    found = [int(run["values"]["seeds.initial"]) for run in study["runs"]]
    assert found == [SEED_END - 2, SEED_END - 1, 0, 1, 2]


def test_a_fork_has_no_more_seeds_and_its_page_says_why(client, engine, outbox):
    parent = new_run(engine, outbox)
    fork = new_run(engine, outbox)
    change(engine, fork, parent_id=parent, parent_name="First", forked_at=320)

    document = get(client, f"/runs/{fork}")
    assert not [one for one in document.all("button") if one.attributes.get("id") == "more-seeds"]
    assert "no more seeds of a fork: repeat its parent" in document.one("div", id="status").text
    answer = more_seeds(client, fork)
    assert answer.status_code == 409
    assert "its weights came from its parent" in answer.text
    assert client.get("/api/v1/studies").json()["studies"] == []
