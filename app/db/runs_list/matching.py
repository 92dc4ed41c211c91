"""Which runs a list is of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, or_

from app.db.models import INCLUDING_DELETED, Run
from app.db.runs_list.asking import has_program, has_tags, in_study
from app.schemas.state import RunState


@dataclass(frozen=True)
class Matching:
    """Which runs: those of which all of this is true."""

    states: Sequence[RunState] = ()  # any of these
    tags: Sequence[str] = ()  # all of these
    asked: ColumnElement[bool] | None = None  # a condition of `asking`
    within: ColumnElement[bool] | None = None  # whether it is in a group
    study: str | None = None
    datasets: Sequence[str] = ()  # any of these
    programs: Sequence[Sequence[dict[str, str]]] = ()  # any has clamps like these; []: has none
    run_ids: Sequence[str] = ()  # any of these
    shelved: bool | None = None  # those that are, or are not
    deleted: bool = False  # of those that can be restored, or of those that are there

    @property
    def options(self) -> Mapping[str, Any]:
        """Of statements that ask for them."""
        return INCLUDING_DELETED if self.deleted else {}


def _shelved(matching: Matching) -> list[ColumnElement[bool]]:
    if matching.shelved is None:
        return []
    return [Run.is_shelved.expression if matching.shelved else ~Run.is_shelved]


def conditions(matching: Matching) -> list[ColumnElement[bool]]:
    found = [one for one in (matching.asked, matching.within) if one is not None]
    found += _shelved(matching)
    if matching.states:
        found.append(Run.state.in_(matching.states))
    if matching.tags:
        found.append(has_tags(matching.tags))
    if matching.study is not None:
        found.append(in_study(matching.study))
    if matching.datasets:
        found.append(Run.config[("task", "dataset")].as_string().in_(matching.datasets))
    if matching.programs:
        found.append(or_(*map(has_program, matching.programs)))
    if matching.deleted:
        found.append(Run.deleted_at.is_not(None))
    if matching.run_ids:
        found.append(Run.id.in_(matching.run_ids))
    return found
