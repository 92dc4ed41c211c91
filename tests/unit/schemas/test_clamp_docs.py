"""The catalogue is documented as it is."""

from pathlib import Path

import pytest

from app.schemas.clamps.catalogue import CATALOGUE, CatalogueEntry
from app.schemas.clamps.site import Point

DOCS = (Path(__file__).parents[3] / "docs" / "clamps.md").read_text()


@pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.id)
def test_every_kind_of_clamp_is_documented_with_its_published_option(entry: CatalogueEntry) -> None:
    named = " ".join(f"`{value}`" for value in entry.fixed.values())

    (line,) = (line for line in DOCS.splitlines() if line.startswith(f"| {named} |"))

    if entry.paper:
        assert entry.paper.split(",")[0].split()[0] in line


@pytest.mark.parametrize("point", Point)
def test_every_point_is_documented(point: Point) -> None:
    assert f"`{point}`" in DOCS
