"""The launch form as HTML: presets beside what was typed, rounding, and errors by their names."""

import pytest

from app.schemas.config import RunConfig
from app.schemas.presets import PRESETS
from app.services.launch.config_form import form_of
from tests.integration.pages.launch.test_fork_pages import sent
from tests.integration.support.html import Document, get

PRESET = {preset.id: preset for preset in PRESETS}
MATCH = PRESET["match"]
DEFAULT = dict(form_of(RunConfig()).typed)
ABLATED = '[{"kind": "ablate", "site": "L0H1.v"}]'


def post(client, path: str, typed: dict[str, str], status: int = 200) -> Document:
    answer = client.post(path, data=typed)
    assert answer.status_code == status, answer.text
    return Document(answer.text)


def lit(document: Document) -> list[str]:
    return [one["data-preset"] for one in document.all("a", aria_current="true")]


def test_a_preset_leaves_what_was_typed_says_so_and_can_be_undone(client):
    typed = sent(get(client, "/runs/new?preset=one-head"))
    typed |= {"training.sequences": "100k", "name": "Mine", "program": ABLATED}

    taken = post(client, "/runs/new", typed | {"take": "match"})

    assert sent(taken)["training.sequences"] == "100k"
    assert sent(taken)["name"] == "Mine"
    assert sent(taken)["recording.evaluate_every"] == "1,000"  # the preset's, as nobody typed it
    assert "set_pattern" in sent(taken)["program"]
    said = taken.one("form", id="preset-taken").text
    assert "Its clamps took the place of yours (1 clamp)" in said
    assert "As you had typed: sequences 100k (the preset: 600,000)" in said
    undone = post(client, "/runs/new", before(taken))
    assert sent(undone) == typed


def before(document: Document) -> dict[str, str]:
    """What the button that undoes sends: the fields of the form before the form."""
    start = document.elements.index(document.one("form", id="preset-taken"))
    fields = document.elements[start : document.elements.index(document.one("form", id="launch"))]
    typed = {e["name"]: e["value"] for e in fields if e.tag == "input"}
    return typed | {e["name"]: e.text for e in fields if e.tag == "textarea"}


def test_a_preset_after_another_takes_all_that_nobody_typed(client):
    typed = sent(get(client, "/runs/new?preset=match"))

    taken = sent(post(client, "/runs/new", typed | {"take": "unclamped"}))

    assert {name: taken[name] for name in DEFAULT} == DEFAULT


def test_a_preset_is_lit_only_as_long_as_the_form_is_it(client):
    typed = sent(get(client, "/runs/new?preset=match"))

    same = post(client, "/runs/preview", typed)
    changed = post(client, "/runs/preview", typed | {"training.sequences": "150k"})
    wrong = post(client, "/runs/preview", typed | {"training.sequences": "many"})

    assert lit(same) == ["match"]
    assert MATCH.summary in same.one("p", id="preset-summary").text
    assert (lit(changed), lit(wrong)) == ([], [])
    assert changed.one("p", id="preset-summary").text == (
        "Begun with “Match fixed”, changed since: sequences 150k."
    )
    hint = changed.one("data", id="name-hint")["value"]
    assert hint == "Match fixed · seed 5 · sequences 150,000"


@pytest.mark.parametrize(
    ("field", "typed", "note"),
    [
        ("training.sequences", "150,000", "Ends at 150,016: whole batches of 32."),
        ("training.sequences", "160k", ""),
        ("recording.evaluate_every", "5k", "At 5,024, 10,016 ...: whole batches of 32."),
        ("recording.evaluate_every", "6,400", ""),
    ],
)
def test_what_whole_batches_make_of_a_number_is_said_at_its_field(client, field, typed, note):
    others = {f"recording.{name}_every": "32k" for name in ("evaluate", "frame", "checkpoint")}
    document = post(client, "/runs/preview", DEFAULT | others | {field: typed})

    assert document.one("p", id=f"note-{field.replace('.', '-')}").text == note


def test_every_error_is_listed_by_the_name_of_its_field_and_leads_there(client):
    wrong = {"training.learning_rate": "fast", "task.burstiness": "0", "program": "[{}]"}

    document = post(client, "/runs", DEFAULT | wrong, status=422)

    elements = document.elements
    listed = elements[elements.index(document.one("ul", id="refusal-faults")) :]
    links = [one for one in listed if one.tag == "a"][:3]
    assert {one.text for one in links} == {"Learning rate", "Burstiness", "Clamp 1"}
    for link in links:
        assert document.all(id=link["href"].removeprefix("#")), link["href"]
    assert "3 things are to be put right." in document.one("div", id="refusal").text


def test_no_page_that_launches_shows_raw_backticks(client):
    for path in ("/runs/new", "/studies/new"):
        document = get(client, path)
        shown = [e for e in document.elements if e.tag in ("p", "span", "li", "dd", "small")]
        titles = [e["title"] for e in document.elements if "title" in e.attributes]
        assert not [e.text for e in shown if "`" in e.text]
        assert not [title for title in titles if "`" in title]


def test_an_axis_that_is_wrong_is_named_in_the_list_of_a_study(client):
    typed = DEFAULT | {"axis-0-field": "seeds.initial", "axis-0-values": ""}

    document = post(client, "/studies", typed | {"training.beta1": "2"}, status=422)

    listed = document.one("ul", id="refusal-faults").text
    assert "Axis 1" in listed
    assert "Adam β1 : Must be below 1." in listed


def test_another_base_of_a_study_leaves_what_varies_and_what_was_typed(client):
    typed = {**DEFAULT, "axis-0-field": "seeds.initial", "axis-0-values": "11..13"}
    typed |= {"training.sequences": "100k", "name": "Mine", "take": "match"}

    document = post(client, "/studies/new", typed)

    assert document.one("input", name="axis-0-values")["value"] == "11..13"
    assert document.one("input", name="training.sequences")["value"] == "100k"
    assert document.one("input", name="name")["value"] == "Mine"
    assert "set_pattern" in document.one("textarea", name="program").text
