"""What can be set about each kind of clamp, from the catalogue."""

from collections.abc import Iterator

from app.schemas.clamps.catalogue import CATALOGUE, CatalogueEntry
from reference.markdown import cell, code, table


def clamp_settings() -> str:
    """A table of kinds and their settings; kinds without any are in one line."""
    rows = (row for entry in CATALOGUE for row in _rows(entry))
    return table(("kind", "points", "setting", "default", "what it is"), rows)


def _rows(entry: CatalogueEntry) -> Iterator[tuple[str, str, str, str, str]]:
    kind, points = " ".join(map(code, entry.fixed.values())), _points(entry)
    own = {name: of for name, of in entry.settings.items() if not name.endswith("_sequences")}
    for name, of in own.items():
        says = cell(f"{of.get('title', name)}. {of.get('description', '')}")
        yield kind, points, code(name), code(of["default"]) if "default" in of else "", says
        kind = points = ""
    if not own:
        yield kind, points, "", "", "Nothing but its site and window."


def _points(entry: CatalogueEntry) -> str:
    return ", ".join(code(point) for point in entry.points)
