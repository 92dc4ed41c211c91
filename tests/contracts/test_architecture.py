"""docs/architecture.md draws the folders that there are, and imports that are made, one way."""

import re
import tomllib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "architecture.md").read_text()
DIAGRAM = TEXT.split("```mermaid")[1].split("```")[0]
NODE = re.compile(r'^(subgraph )?(\w+)\["([\w/]+)"\]$')
ARROW = re.compile(r"^ *(\w+) --> (\w+)$", re.MULTILINE)
LAYERS = ("app/services", "app/schemas", "app/routes", "app/stack", "worker", "worker/science")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def drawn() -> dict[str, str]:
    """Paths by the ids of nodes: a node without a path of its own lies in the one around it."""
    paths: dict[str, str] = {}
    around: list[str] = []
    for line in map(str.strip, DIAGRAM.splitlines()):
        if line == "end":
            around.pop()
        elif found := NODE.match(line):
            is_layer, id, name = found.groups()
            paths[id] = name if "/" in name or not around else f"{around[-1]}/{name}"
            if is_layer:
                around.append(paths[id])
    return paths


def rooms(layer: str) -> set[str]:
    return {f"{layer}/{path.parent.name}" for path in (ROOT / layer).glob("*/__init__.py")}


PATHS = drawn()
ARROWS = [(PATHS[a], PATHS[b]) for a, b in ARROW.findall(DIAGRAM)]


def test_every_node_is_a_folder():
    assert [path for path in PATHS.values() if not (ROOT / path).is_dir()] == []


@pytest.mark.parametrize("layer", LAYERS)
def test_every_room_of_a_layer_is_drawn(layer):
    assert {path for path in PATHS.values() if path.rpartition("/")[0] == layer} == rooms(layer)


def test_every_layer_is_drawn():
    tops = {
        path.parent.relative_to(ROOT).as_posix() for path in (ROOT / "app").glob("*/__init__.py")
    }

    assert tops <= set(PATHS.values())


def test_every_arrow_is_an_import_that_is_made_and_none_goes_back():
    graph = grimp.build_graph("app", "worker")
    names = {path: path.replace("/", ".") for path in PATHS.values()}
    for importer, imported in ARROWS:
        there, back = (names[importer], names[imported]), (names[imported], names[importer])
        assert imports(graph, *there), f"{importer} imports nothing of {imported}"
        assert not imports(graph, *back), f"{imported} imports {importer}"


def imports(graph: grimp.ImportGraph, importer: str, imported: str) -> bool:
    within = [importer, *graph.find_descendants(importer)]
    targets = {imported, *graph.find_descendants(imported)}
    return any(graph.find_modules_directly_imported_by(one) & targets for one in within)


@pytest.mark.parametrize("layer", ["app/services", "app/schemas", "worker", "worker/science"])
def test_every_room_stands_in_a_contract(layer):
    named: set[str] = set()
    for contract in PYPROJECT["tool"]["importlinter"]["contracts"]:
        if contract.get("containers") == [layer.replace("/", ".")]:
            named = set(re.findall(r"\w+", " ".join(contract["layers"])))

    assert {room.rpartition("/")[2] for room in rooms(layer)} <= named
