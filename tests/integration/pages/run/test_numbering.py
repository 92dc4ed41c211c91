"""One numbering of layers in everything that people read: from 1, as the paper has it."""

import re

import pytest

from app.schemas.config import RunConfig
from app.schemas.words import in_words
from tests.integration.support.html import Document, get
from tests.integration.support.rows import SMALL, add, measurement, new_run

PROGRAM = [
    {"kind": "set_pattern", "target": "induction", "site": "L1H1.pattern[query]"},
    {"kind": "ablate", "site": "L0H0.v"},
]
WRITTEN = {"script", "style", "pre", "textarea", "code"}  # where text is written, not read


class Read(Document):
    """Only what people read: no code, and no text that is to be typed."""

    def handle_data(self, data: str) -> None:
        if not any(element.tag in WRITTEN for element in self._open):
            super().handle_data(data)


@pytest.fixture
def run_id(engine, outbox) -> str:
    config = RunConfig.model_validate({**SMALL.model_dump(), "program": PROGRAM})
    run_id = new_run(engine, outbox, config, name="Clamped")
    add(engine, run_id, measurement(0))
    return run_id


@pytest.mark.parametrize(
    "path", ["/runs/{run}", "/runs", "/runs/new?like={run}", "/studies/new", "/guide"]
)
def test_no_page_speaks_of_layers_counted_from_0(client, run_id, path):
    (whole,) = Read(get_text(client, path.format(run=run_id))).all("main")

    assert not re.findall(r"\bL[0-9]\w*", whole.text)


def get_text(client, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def test_a_site_as_text_stands_beside_its_translation(client, run_id):
    document = get(client, f"/runs/new?like={run_id}")

    row = document.one("li", id="clamp-0").text
    assert "Layer 2, head 1 always attends from the query to the correct label." in row
    assert "As text, where layers count from 0: L1H1.pattern[query]" in row
    said = "Remove clamp 1, induction pattern, layer 2, head 1: the attention pattern at the query"
    assert document.one("button", aria_label=said)


def test_names_of_programs_say_layers_as_people_do():
    assert in_words("without L1H0,3, pattern preserved") == (
        "without layer 2, heads 0 and 3, pattern preserved"
    )
    assert in_words("only L0H2") == "only layer 1, head 2"
