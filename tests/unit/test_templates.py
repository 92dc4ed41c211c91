"""Templates and their contexts: each uses what its dataclass declares, and nothing else."""

from dataclasses import fields

import pytest
from jinja2 import meta

from app.services.archives.page import ImportPage
from app.services.boards.page import AddPage, BoardPageContext, BoardsPage
from app.services.compare.page import ComparePage
from app.services.help.api_reference import DocsPage
from app.services.help.guide import GuidePage
from app.services.help.welcome import WelcomePage
from app.services.launch.page import NewPage
from app.services.reports.report import ReportFile
from app.services.run_page.page import LogPart, RunPageContext, StatusPart, StepsBlock
from app.services.runs_list.bulk_page import BulkPage
from app.services.runs_list.page import RunsPage
from app.services.studies.new_page import StudyNewPage
from app.services.studies.page import StudiesPage, StudyPageContext, StudyStatus
from app.services.workers import WorkersPage
from app.templating import WEB, environment

TEMPLATES = WEB / "templates"
PAGES = {
    "runs/list.html": RunsPage,
    "runs/bulk.html": BulkPage,
    "compare/page.html": ComparePage,
    "launch/page.html": NewPage,
    "run/page.html": RunPageContext,
    "help/api_reference.html": DocsPage,
    "workers/page.html": WorkersPage,
    "help/guide.html": GuidePage,
    "help/welcome.html": WelcomePage,
    "studies/list.html": StudiesPage,
    "studies/page.html": StudyPageContext,
    "studies/new.html": StudyNewPage,
    "archives/page.html": ImportPage,
    "reports/page.html": ReportFile,
    "boards/list.html": BoardsPage,
    "boards/page.html": BoardPageContext,
    "boards/add.html": AddPage,
}
PARTS = {
    "launch/page.html": [
        "shared/circuit.svg",
        "launch/steps.html",
        "launch/clamps.html",
        "launch/clamp_grid.html",
        "launch/clamp_list.html",
        "launch/fork_card.html",
        "launch/presets.html",
        "launch/preset_taken.html",
    ],
    "run/page.html": ["shared/circuit.svg", "run/about.html", "run/repeat.html"],
}


def variables(name: str) -> set[str]:
    source = (TEMPLATES / name).read_text()
    everywhere = {*environment.globals, "server"}
    return meta.find_undeclared_variables(environment.parse(source)) - everywhere


@pytest.mark.parametrize(("name", "context"), PAGES.items(), ids=PAGES)
def test_a_page_uses_exactly_what_its_context_declares(name, context):
    used = variables(name).union(*(variables(part) for part in PARTS.get(name, ())))

    assert used == {field.name for field in fields(context)}


@pytest.mark.parametrize(
    ("template", "context", "blocks"),
    [
        ("run/page.html", StatusPart, ("status", "events", "checkpoints", "analyses", "repeat")),
        ("run/page.html", LogPart, ("log",)),
        ("run/page.html", StepsBlock, ("steps", "story", "timeline", "tour")),
        ("studies/page.html", StudyStatus, ("status", "members")),
    ],
)
def test_the_blocks_that_are_fetched_again_need_no_more_than_their_part_of_the_context(
    template, context, blocks
):
    source = (TEMPLATES / template).read_text()
    declared = {field.name for field in fields(context)}

    for block in blocks:
        start = source.index(f"{{% block {block} %}}")
        body = source[start : source.index("{% endblock %}", start)] + "{% endblock %}"
        used = meta.find_undeclared_variables(environment.parse(body)) - set(environment.globals)
        assert used <= declared, block


def test_no_template_loads_anything_from_elsewhere():
    for template in TEMPLATES.glob("*/*"):
        text = template.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "//" not in text, template.name
