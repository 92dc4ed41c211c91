"""What lists of runs can be narrowed by: tags and datasets that there are."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Subquery, Text, func, select
from sqlalchemy.orm import Session

from app.db.models import Run

NEWEST = 10_000  # runs of which the list lets choose tags and datasets


def tags_in_use(session: Session) -> Sequence[str]:
    """Every tag that any of the newest runs has."""
    newest = _newest(Run.tags.label("tags"))
    tag = func.unnest(newest.c.tags, type_=Text()).label("tag")
    return session.scalars(select(tag).distinct().order_by(tag)).all()


def datasets_in_use(session: Session) -> Sequence[str]:
    """Every dataset that any of the newest runs was trained on."""
    dataset = _newest(Run.config[("task", "dataset")].as_string().label("dataset")).c.dataset
    return session.scalars(select(dataset).distinct().order_by(dataset)).all()


def _newest(column: ColumnElement[Any]) -> Subquery:
    """A column of the runs that a choice is made of: to read all of a large table takes seconds."""
    newest_first = (Run.created_at.desc(), Run.id.desc())
    return select(column).order_by(*newest_first).limit(NEWEST).subquery()
