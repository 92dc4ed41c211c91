"""Whatever the documents point at is there."""

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

from app.config import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "docs").rglob("*.md"))
        if path.parent.name != "adr"  # decisions speak of what was there
    ),
)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"(?:app|worker|web|tests|migrations|docs)/[\w./-]+")
MODULE = re.compile(r"(?<![\w/-])(?:app|worker)(?:\.[a-z_]\w*)+")


def paths(text: str) -> set[str]:
    """Paths in code, from the root; those with a word in capitals stand for any."""
    words = {word for code in CODE.findall(text) for word in code.split()}
    found = {word.rstrip(".,:;") for word in words if PATH.fullmatch(word.rstrip(".,:;"))}
    return {path for path in found if not re.search(r"\b[A-Z]{2,}\b", path)}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_paths_are_there(document):
    made = "web/static/vendor"  # by the set-up
    text = (ROOT / document).read_text()

    places = (ROOT, ROOT / "tests/integration")  # where docs/durability.md says that its tests live

    gone = [p for p in sorted(paths(text)) if not any((place / p).exists() for place in places)]
    assert [path for path in gone if path != made] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document):
    links = LINK.findall((ROOT / document).read_text())
    ours = [link for link in links if not link.startswith("http")]

    assert [link for link in ours if not ((ROOT / document).parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_modules_are_there(document):
    names = set(MODULE.findall(" ".join(CODE.findall((ROOT / document).read_text()))))

    assert [name for name in sorted(names) if not there(name)] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_variables_of_the_environment_are_settings(document):
    others = (ROOT / "docs/reference/settings.md").read_text()  # what clients read
    known = {f"OPTOSCOPE_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"OPTOSCOPE_\w*\w", (ROOT / document).read_text()))

    assert {name for name in named - known if name not in others} == set()


def test_what_the_first_steps_name_is_said_by_the_program():
    """Buttons, presets, headings: whoever renames one finds the tutorial that speaks of it."""
    found = re.findall(r"\*([^*]+)\*", (ROOT / "docs/first-steps.md").read_text())
    named = [" ".join(name.split()) for name in found]
    files = [*(ROOT / "web/templates").rglob("*.html"), *(ROOT / "app").rglob("*.py")]
    said = "\n".join(file.read_text() for file in files)

    assert named
    assert [name for name in named if name.lower() not in said.lower()] == []


def there(name: str) -> bool:
    """A module, or something in one."""
    try:
        if find_spec(name):
            return True
    except ModuleNotFoundError:
        pass
    module, _, attribute = name.rpartition(".")
    file = ROOT / f"{module.replace('.', '/')}.py"
    return file.exists() and attribute in file.read_text()


def test_every_setting_says_what_it_is():
    """The reference of the settings is made of this."""
    said = {name: field.description for name, field in Settings.model_fields.items()}

    assert [name for name, text in said.items() if not text] == [], 'write """...""" below it'
