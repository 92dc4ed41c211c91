"""The form is built from the catalogue: whatever is there can be picked and set."""

import json
from dataclasses import replace
from typing import ClassVar, Literal

import pytest
from sqlalchemy.orm import Session

from app.schemas.clamps.base import EVERYWHERE, BaseClamp, Light, Picks, Sites
from app.schemas.clamps.catalogue import CATALOGUE, CatalogueEntry, entry_of
from app.schemas.clamps.kinds import KINDS
from app.schemas.clamps.site import Point, Positions
from app.schemas.option import option
from app.services.clamps.palette import POINTS, POSITIONS, Tool, for_script, palette
from app.services.launch.config_form import read_form
from app.services.launch.page import new_page
from app.templating import fragment
from tests.integration.support.html import Document


class Freeze(BaseClamp):
    """Something that nobody has thought of yet."""

    title: ClassVar[str] = "Freeze"
    light: ClassVar[Light] = Light.PRESERVED
    sites: ClassVar[Sites] = Sites(frozenset({Point.Z, Point.RESID}), EVERYWHERE)
    usual: ClassVar[str] = "L0H1.z"

    kind: Literal["freeze"] = "freeze"
    depth: float = option(0.25, "Depth", "How deep it is frozen.", ge=0, le=1)
    slowly: bool = option(False, "Slowly", "Whether it takes its time.")
    how: Literal["hard", "soft"] = option("hard", "How", "How hard it is frozen.")


def tools(entries=CATALOGUE) -> dict[str, Tool]:
    return {tool.entry.id: tool for group in palette(entries) for tool in group.tools}


def rendered(entries: list[CatalogueEntry]) -> Document:
    """The form as it is with this catalogue. Nothing of it is asked of a database."""
    page = new_page(Session(), read_form({"program": "[7]"}))
    page = replace(page, groups=palette(entries), catalogue=for_script(entries))
    return Document(bytes(fragment("launch/page.html", ["main"], page).body).decode())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_is_a_light_with_controls_for_its_settings_and_its_window(kind):
    entry = next(entry for entry in CATALOGUE if entry.name == kind.title)

    tool = tools()[entry.id]

    own = set(kind.model_fields) - {"site", "kind", "target", "from_sequences", "until_sequences"}
    assert {control.name for control in tool.settings} == own
    assert [control.name for control in tool.window] == ["from_sequences", "until_sequences"]
    for control in (*tool.settings, *tool.window):
        assert control.label[0].isupper(), control.name
        assert control.help.endswith("."), control.name


def test_lights_are_grouped_and_those_of_figure_5b_come_first():
    common = {
        group.light: [tool.entry.name for tool in group.tools if tool.is_common]
        for group in palette()
    }

    assert common == {
        "driven": [
            "Induction pattern",
            "Previous-token pattern",
            "Perfect layer 1",
            "Perfect copy",
        ],
        "silenced": ["Ablate"],
        "preserved": ["Preserve"],
    }


@pytest.mark.parametrize(
    ("tool", "name", "kind", "slider"),
    [
        ("set_pattern_induction", "strength", "number", (0, 1, 0.05)),
        ("temperature", "temperature", "number", (0.05, 2.0, 0.05)),
        ("scale", "by", "number", (-2.0, 2.0, 0.05)),
        ("set", "value", "numbers", None),
        ("graft_in", "checkpoint", "text", None),
        ("preserve", "gradient", "choice", None),
        ("ablate", "until_sequences", "number", None),
    ],
)
def test_a_setting_has_the_control_that_its_schema_asks_for(tool, name, kind, slider):
    found = {c.name: c for c in (*tools()[tool].settings, *tools()[tool].window)}

    assert (found[name].kind, found[name].slider) == (kind, slider)


def test_points_and_roles_of_tokens_have_words():
    assert set(POINTS) == set(Point)
    assert set(POSITIONS) == set(Positions)


def test_a_kind_that_is_added_to_the_catalogue_appears_in_the_form_as_it_is():
    document = rendered([*CATALOGUE, entry_of(Freeze)])

    assert "Freeze" in document.one("fieldset", id="tools").text
    (panel,) = document.all("div", data_tool="freeze")
    for words in ("Something that nobody has thought of yet.", "Depth", "Slowly", "How", "On from"):
        assert words in panel.text
    assert document.one("input", id="setting-freeze-depth")["value"] == "0.25"
    assert document.one("input", id="setting-freeze-slowly")["type"] == "checkbox"
    assert document.one("select", id="setting-freeze-how")
    known = json.loads(document.one("script", id="catalogue").text)
    assert known[-1] | {"usual": "L0H1.z", "picks": Picks.ANY} == known[-1]
    assert known[-1]["fixed"] == {"kind": "freeze"}
