"""The documentation as a site: it builds without a warning, and what is made from the program names
all that it has. In one file and one process, as both take a second of the application.
"""

import argparse
import io
import json
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace

from app import cli
from app.config import Settings
from app.schemas.clamps.catalogue import CATALOGUE
from app.schemas.config import RunConfig
from app.services.help.guide import ENTRIES, WORDS
from optoscope.commands.parser import parser as client_parser
from worker import __main__ as worker

ROOT = Path(__file__).resolve().parents[2]


SITE = ROOT / "docs/site"


@pytest.fixture(autouse=True)
def modules_of_the_site(monkeypatch):
    monkeypatch.syspath_prepend(str(SITE))


def warnings_of(pages: Path, out: Path) -> list[str]:
    """Of reading all pages and following all links; to write them takes as long again."""
    said = io.StringIO()
    with docutils_namespace(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Sphinx wishes of MyST; what it says of pages is text
        Sphinx(pages, SITE, out, out, "dummy", status=None, warning=said, freshenv=True).build()
    return said.getvalue().splitlines()


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(tmp_path):
    assert warnings_of(ROOT / "docs", tmp_path) == []


def test_links_that_lead_nowhere_are_told(tmp_path):
    (tmp_path / "index.md").write_text(
        "# Page\n\n[a](gone.md) [b](#gone) [c](../app/gone.py) [d](#page) ![e](gone.png)\n"
    )

    assert len(warnings_of(tmp_path, tmp_path / "out")) == 4


@pytest.fixture
def part():
    from reference import part

    return part


@pytest.fixture
def filled():
    """A page with its marks filled in."""
    from marks import fill

    def filled(page: str, text: str, root: Path = ROOT) -> str:
        source = [text]
        fill(page, source, root)
        return source[0]

    return filled


def first_column(table: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)`", table, re.MULTILINE)


def test_every_setting_is_an_environment_variable_of_the_reference(part):
    names = [f"OPTOSCOPE_{name.upper()}" for name in Settings.model_fields]

    assert first_column(part("settings")) == names
    assert "| `OPTOSCOPE_LEASE_SECONDS` | `15` |" in part("settings")
    assert "| `OPTOSCOPE_COMPILE` | `true` |" in part("settings")


def test_every_option_of_a_run_is_there_with_its_default_and_limits(part):
    parts = {
        name: field.annotation.model_fields
        for name, field in RunConfig.model_fields.items()
        if name != "program"
    }

    assert first_column(part("options")) == [f"{a}.{b}" for a, of in parts.items() for b in of]
    assert "| `model.layers` | `2` |  | ≥ 1, ≤ 8 | Layers. Attention blocks," in part("options")
    assert "`rotary`, `learned`, `sinusoidal`" in part("options")


def test_every_command_and_every_option_of_it_is_there(part):
    text = part("commands")

    of_clients = [one for one in parsers(client_parser()) if " " in one[0]]
    for prog, options in [
        *parsers(cli._parser()),
        *of_clients,
        *parsers(worker.parser("optoscope")),
    ]:
        assert re.search(rf"^#+ {re.escape(prog)}$", text, re.MULTILINE), prog
        assert all(option in text for option in options), prog


def parsers(parser: argparse.ArgumentParser) -> Iterator[tuple[str, list[str]]]:
    yield parser.prog, [name for action in parser._actions for name in action.option_strings[-1:]]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                yield from parsers(below)


def test_every_kind_of_clamp_is_there_with_what_can_be_set(part):
    rows = part("clamps")

    for entry in CATALOGUE:
        assert f"| {' '.join(f'`{word}`' for word in entry.fixed.values())} |" in rows
    assert {name for entry in CATALOGUE for name in entry.settings} - set(
        re.findall(r"`(\w+)`", rows)
    ) == {"from_sequences", "until_sequences"}


def test_every_measure_and_every_word_is_there(part):
    assert re.findall(r"\*\*Series:\*\* `(\w+)`", part("measures")) == list(ENTRIES)
    assert part("words").count("\n") == len(WORDS) + 1


def test_every_operation_and_object_of_the_api_is_there(part):
    from reference.api import document

    headings = re.findall(r"^### (.+)$", part("api").replace("\\_", "_"), re.MULTILINE)

    operations = [
        f"{method.upper()} {path}" for path, of in document()["paths"].items() for method in of
    ]
    assert sorted(headings) == sorted([*operations, *document()["components"]["schemas"]])


def test_a_page_of_the_root_links_as_if_it_lay_among_the_others(filled):
    text = filled("contributing", "<!-- file: CONTRIBUTING.md -->")
    assert "[docs/architecture.md](architecture.md)" in text

    text = filled(
        "how-to/x", "[a](../../README.md#words) [b](../clamps.md) [c](https://d.e) [f](#g)"
    )
    assert text == "[a](../index.md#words) [b](../clamps.md) [c](https://d.e) [f](#g)"


def test_a_notebook_is_prose_and_code(filled, tmp_path):
    cells = [
        {"cell_type": "markdown", "source": ["# A\n", "b"]},
        {"cell_type": "code", "source": "1 + 1", "outputs": [{"text": "2"}]},
    ]
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/a.ipynb").write_text(json.dumps({"cells": cells}))

    text = filled("page", "<!-- notebook: a.ipynb -->", tmp_path)

    assert text == "# A\nb\n\n```python\n1 + 1\n```"


def test_a_part_that_there_is_not_is_a_mistake(filled):
    with pytest.raises(KeyError):
        filled("page", "<!-- made: nothing -->")
