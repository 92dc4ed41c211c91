"""What lists of runs can be narrowed by: tags and datasets that there are."""

from collections.abc import Sequence

from sqlalchemy import Text, func, select, text
from sqlalchemy.orm import Session

from app.db.models import Run

NEWEST = 10_000  # runs that have tags, of which lists offer these
_DATASET = Run.config[("task", "dataset")].as_string()
_HAS_TAGS = text("tags <> '{}'")  # in the words of the index that has those alone


def tags_in_use(session: Session) -> Sequence[str]:
    """Every tag of the newest runs that have any: to read all of a large table takes seconds."""
    newest_first = (Run.created_at.desc(), Run.id.desc())
    newest = select(Run.tags).where(_HAS_TAGS).order_by(*newest_first).limit(NEWEST).subquery()
    tag = func.unnest(newest.c.tags, type_=Text()).label("tag")
    return session.scalars(select(tag).distinct().order_by(tag)).all()


def datasets_in_use(session: Session) -> Sequence[str]:
    """Every dataset that any run was trained on: a look into the index for each of them."""
    first = select(func.min(_DATASET).label("dataset")).cte("datasets", recursive=True)
    following = select(func.min(_DATASET)).where(first.c.dataset < _DATASET).scalar_subquery()
    every = first.union_all(select(following).where(first.c.dataset.is_not(None)))
    return session.scalars(select(every.c.dataset).where(every.c.dataset.is_not(None))).all()
