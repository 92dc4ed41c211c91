"""What can be asked about a run, each as a condition of statements about runs."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Text, cast, func, or_, select, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array

from app.db.models import Run, Study, StudyRunRow

SHORTEST_ID = 4  # characters of an id that find its run: shorter words are words
LONGEST_PIECE = 3  # characters, of what names, notes and tags are indexed by
# As in the migration that has the functions, and in the index.
_PIECES = func.run_search_pieces(Run.id, Run.name, Run.notes, Run.tags, type_=ARRAY(Text))
_TAGS = type_coerce(Run.tags, ARRAY(Text))
_LINES = func.array_to_string(Run.tags, "\n")  # what is looked for lies in one of them


def has_word(word: str) -> ColumnElement[bool]:
    """Whether the name, the notes or a tag holds it, or the id begins with it."""
    places = [column.icontains(word, autoescape=True) for column in (Run.name, Run.notes)]
    places.append(func.array_to_string(Run.tags, " ").icontains(word, autoescape=True))
    if len(word) >= SHORTEST_ID:
        places.append(Run.id.startswith(word.lower(), autoescape=True))
    return or_(*map(_PIECES.contains, _pieces(word))) & or_(*places)


def _pieces(word: str) -> list[ColumnElement[Any]]:
    """What the index must hold of a run in which the word may be: all of its pieces, as long as
    they come, or the beginning of the id."""
    small = func.lower(word, type_=Text())
    found = [_pieces_inside(word)]
    if len(word) >= SHORTEST_ID:
        found.append(array([func.left(small, SHORTEST_ID, type_=Text())]))
    return found


def _pieces_inside(text: str) -> ColumnElement[Any]:
    longest = func.least(LONGEST_PIECE, func.length(func.lower(text, type_=Text())))
    return func.search_pieces(text, longest, type_=ARRAY(Text))


def name_holds(text: str) -> ColumnElement[bool]:
    """Whether the name holds it, in letters of any size."""
    return _PIECES.contains(_pieces_inside(text)) & Run.name.icontains(text, autoescape=True)


def notes_hold(text: str) -> ColumnElement[bool]:
    """Whether the notes hold it, in letters of any size."""
    return _PIECES.contains(_pieces_inside(text)) & Run.notes.icontains(text, autoescape=True)


def tag_holds(text: str) -> ColumnElement[bool]:
    """Whether a tag holds it, in letters of any size."""
    return _PIECES.contains(_pieces_inside(text)) & _LINES.icontains(text, autoescape=True)


def has_tags(tags: Sequence[str]) -> ColumnElement[bool]:
    """Whether it has all of these tags."""
    return _TAGS.contains(list(tags))


def in_study(study_id: str) -> ColumnElement[bool]:
    """Whether it is in the study of this id."""
    return Run.id.in_(select(StudyRunRow.run_id).where(StudyRunRow.study_id == study_id))


def in_study_called(named: ColumnElement[bool]) -> ColumnElement[bool]:
    """Whether it is in a study of which this is true."""
    of_study = StudyRunRow.study_id == Study.id
    return Run.id.in_(select(StudyRunRow.run_id).join(Study, of_study).where(named))


def has_program(clamps: Sequence[dict[str, str]]) -> ColumnElement[bool]:
    """Whether the run's program holds clamps like all of these; none at all for none."""
    if not clamps:
        return func.jsonb_array_length(Run.config["program"]) == 0
    return Run.config["program"].op("@>")(cast(list(clamps), JSONB))
