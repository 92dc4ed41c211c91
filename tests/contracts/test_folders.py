"""Folders are rooms: few enough modules to take in at a glance, and a sentence at the door."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOPS = (
    "app",
    "optoscope",
    "worker",
    "web/static/js",
    "web/static/css",
    "web/templates",
    "migrations",
    "tests",
)
MOST = 20
MOST_WITHOUT_REASON = 15
IGNORED = {"__pycache__"}
REASON = "One room"  # how a docstring begins to say why so many modules are one subject


def folders() -> list[Path]:
    """Every folder of ours, the tops included."""
    tops = [ROOT / top for top in TOPS]
    below = [path for top in tops for path in top.rglob("*") if path.is_dir()]
    return [path for path in [*tops, *below] if not IGNORED & set(path.parts)]


def modules(folder: Path) -> list[str]:
    """The names of the files of a folder, but for the sentence at its door."""
    return [
        path.name
        for path in folder.iterdir()
        if path.is_file() and path.suffix != ".pyc" and path.name != "__init__.py"
    ]


def docstring(folder: Path) -> str:
    """What a package says of itself."""
    return ast.get_docstring(ast.parse((folder / "__init__.py").read_text())) or ""


def packages() -> list[Path]:
    return [folder for folder in folders() if (folder / "__init__.py").exists()]


def named(folder: Path) -> str:
    return folder.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("folder", folders(), ids=named)
def test_a_folder_holds_no_more_than_one_can_take_in(folder):
    assert len(modules(folder)) <= MOST, "make rooms of it, by subject"


@pytest.mark.parametrize("folder", packages(), ids=named)
def test_a_package_says_what_it_is_about_and_a_large_one_why_it_is_one(folder):
    said = docstring(folder)

    assert said, "say in a sentence or two what the room is about"
    if len(modules(folder)) > MOST_WITHOUT_REASON:
        assert REASON in said, f"say after {REASON!r} why this is one subject, or make rooms of it"


def test_every_folder_with_python_is_a_package():
    bare = [folder for folder in folders() if any(folder.glob("*.py"))]

    assert [
        named(f) for f in bare if not (f / "__init__.py").exists() and "migrations" not in f.parts
    ] == []
