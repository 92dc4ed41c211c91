"""Which runs a list is of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array

from app.db.models import INCLUDING_DELETED, Run, StudyRunRow
from app.schemas.state import RunState

SHORTEST_ID = 4  # characters of an id that find its run: shorter words are words
LONGEST_PIECE = 3  # characters, of what names, notes and tags are indexed by
# As in the migration that has the functions, and in the index.
_PIECES = func.run_search_pieces(Run.id, Run.name, Run.notes, Run.tags, type_=ARRAY(Text))


@dataclass(frozen=True)
class Matching:
    """Which runs: those of which all of this is true."""

    states: Sequence[RunState] = ()  # any of these
    tags: Sequence[str] = ()  # all of these
    words: str = ""  # each in the name, the notes or a tag, or the beginning of the id
    study: str | None = None
    datasets: Sequence[str] = ()  # any of these
    programs: Sequence[Sequence[dict[str, str]]] = ()  # any has clamps like these; []: has none
    run_ids: Sequence[str] = ()  # any of these
    deleted: bool = False  # of those that can be restored, or of those that are there

    @property
    def options(self) -> Mapping[str, Any]:
        """Of statements that ask for them."""
        return INCLUDING_DELETED if self.deleted else {}


def conditions(matching: Matching) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_has_word(word) for word in matching.words.split()]
    if matching.states:
        found.append(Run.state.in_(matching.states))
    if matching.tags:
        found.append(type_coerce(Run.tags, ARRAY(Text)).contains(list(matching.tags)))
    if matching.study is not None:
        own = select(StudyRunRow.run_id).where(StudyRunRow.study_id == matching.study)
        found.append(Run.id.in_(own))
    if matching.datasets:
        found.append(Run.config[("task", "dataset")].as_string().in_(matching.datasets))
    if matching.programs:
        found.append(or_(*map(_has_program, matching.programs)))
    if matching.deleted:
        found.append(Run.deleted_at.is_not(None))
    if matching.run_ids:
        found.append(Run.id.in_(matching.run_ids))
    return found


def _has_word(word: str) -> ColumnElement[bool]:
    places = [column.icontains(word, autoescape=True) for column in (Run.name, Run.notes)]
    places.append(func.array_to_string(Run.tags, " ").icontains(word, autoescape=True))
    if len(word) >= SHORTEST_ID:
        places.append(Run.id.startswith(word.lower(), autoescape=True))
    return or_(*map(_PIECES.contains, _pieces(word))) & or_(*places)


def _pieces(word: str) -> list[ColumnElement[Any]]:
    """What the index must hold of a run in which the word may be: all of its pieces, as long as
    they come, or the beginning of the id."""
    small = func.lower(word, type_=Text())
    longest = func.least(LONGEST_PIECE, func.length(small))
    found: list[ColumnElement[Any]] = [func.search_pieces(word, longest, type_=ARRAY(Text))]
    if len(word) >= SHORTEST_ID:
        found.append(array([func.left(small, SHORTEST_ID, type_=Text())]))
    return found


def _has_program(clamps: Sequence[dict[str, str]]) -> ColumnElement[bool]:
    """Whether the run's program holds clamps like all of these; none at all for none."""
    if not clamps:
        return func.jsonb_array_length(Run.config["program"]) == 0
    return Run.config["program"].op("@>")(cast(list(clamps), JSONB))
