"""What the page that imports archives shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.schemas.api.archives import ImportedArchive, ImportedThing


@dataclass(frozen=True)
class ShownThing:
    """A run or study of the archive, as a row."""

    what: str
    name: str
    url: str
    said: str


@dataclass(frozen=True)
class ImportPage:
    """The form, with what became of the last archive: imported, or refused in a sentence."""

    imported: ImportedArchive | None
    things: Sequence[ShownThing]
    new: int
    refused: str


def import_page(imported: ImportedArchive | None = None, refused: str = "") -> ImportPage:
    """The page before, or after an import."""
    studies = imported.studies if imported else []
    runs = imported.runs if imported else []
    things = [
        *(_shown("Study", "studies", one) for one in studies),
        *(_shown("Run", "runs", one) for one in runs),
    ]
    return ImportPage(imported, things, sum(one.is_new for one in [*studies, *runs]), refused)


def _shown(what: str, place: str, thing: ImportedThing) -> ShownThing:
    said = "imported" if thing.is_new else "was here already"
    if thing.id != thing.was:
        said += f", as {thing.id}: another has its id {thing.was} here"
    said = f"{said}. {thing.note}" if thing.note else said
    return ShownThing(what, thing.name, f"/{place}/{thing.id}", said)
