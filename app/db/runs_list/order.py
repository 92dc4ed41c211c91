"""In which order a list is, and where in it a run is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, ColumnExpressionArgument, literal, or_, tuple_

from app.db.models import Run
from app.schemas.state import TERMINAL, RunState

GOING = [state for state in RunState if state not in TERMINAL]
_By = Sequence[ColumnExpressionArgument[Any]]


class SortPosition(NamedTuple):
    """Where in an order a run is: what it is sorted by (None: it has no such thing), its id, and
    whether it is among those that are pinned."""

    key: Any
    run_id: str
    is_pinned: bool = False


@dataclass(frozen=True)
class Order:
    """Runs in the order of a key; those without one last, ties by id."""

    key: ColumnElement[Any]
    descending: bool
    is_optional: bool  # whether there are runs without one
    # The key of runs that have ended, null of others. It has an index, which `key` cannot have if
    # trainings write what it is made of.
    final: ColumnElement[Any] | None = None
    pinned_first: bool = False  # those that are pinned, in this order, then the others

    def by(self, key: ColumnElement[Any]) -> _By:
        """For ORDER BY; `key`: as the statement calls it."""
        inside = self._by_key(key)
        return (Run.is_pinned.desc(), *inside) if self.pinned_first else inside

    def _by_key(self, key: ColumnElement[Any]) -> _By:
        if self.descending:
            falling = key.desc().nulls_last() if self.is_optional else key.desc()
            return falling, Run.id.desc()
        return key.asc(), Run.id.asc()

    def past(self, place: SortPosition) -> ColumnElement[bool]:
        """Whether a run comes after this place."""
        if place.key is None:
            return self.key.is_(None) & self._id_past(place)
        here, there = tuple_(self.key, Run.id), tuple_(place.key, place.run_id)
        later = here < there if self.descending else here > there
        return or_(later, self.key.is_(None)) if self.is_optional else later

    def until(self, place: SortPosition) -> ColumnElement[bool]:
        """Whether a run comes before this place, or is there."""
        if place.key is None:
            return self.key.is_not(None) | ~self._id_past(place)
        here, there = tuple_(self.key, Run.id), tuple_(place.key, place.run_id)
        return here >= there if self.descending else here <= there

    def _id_past(self, place: SortPosition) -> ColumnElement[bool]:
        return Run.id < place.run_id if self.descending else Run.id > place.run_id

    def parts(self) -> Sequence["OrderPart"]:
        """What the list is merged from; each is in order by an index, or has few runs."""
        if not self.pinned_first:
            return self._parts_by_key()
        inside = replace(self, pinned_first=False)
        pinned = OrderPart(inside, [Run.is_pinned.expression], inside.by(self.key), is_pinned=True)
        others = inside._parts_by_key()
        return [pinned, *(replace(one, is_pinned=False) for one in others)]

    def _parts_by_key(self) -> Sequence["OrderPart"]:
        if self.final is None:
            return [OrderPart(self, (), self.by(self.key))]
        # Without saying where those without a key come: no index could be read backwards then.
        keyed, ended = replace(self, is_optional=False), replace(self, key=self.final)
        by_index = keyed.by(self.final)
        parts = [
            OrderPart(replace(ended, is_optional=False), [self.final.is_not(None)], by_index),
            OrderPart(keyed, [Run.state.in_(GOING), self.key.is_not(None)], keyed.by(self.key)),
        ]
        if self.is_optional:
            none = [self.final.is_(None), self.key.is_(None)]
            parts.append(OrderPart(ended, none, by_index))
        return parts


@dataclass(frozen=True)
class OrderPart:
    """Some of the runs of a list, in its order."""

    order: Order  # among themselves
    only: Sequence[ColumnElement[bool]]  # which runs
    by: _By  # for ORDER BY
    is_pinned: bool | None = None  # only those that are, or are not

    @property
    def conditions(self) -> Sequence[ColumnElement[bool]]:
        """Which runs are in it."""
        return self.only if self.is_pinned is not False else [*self.only, ~Run.is_pinned]

    def past(self, place: SortPosition) -> ColumnElement[bool]:
        """As that of an order."""
        if self.is_pinned in (None, place.is_pinned):
            return self.order.past(place)
        return literal(place.is_pinned)  # of the others all come after those that are pinned

    def until(self, place: SortPosition) -> ColumnElement[bool]:
        """As that of an order."""
        if self.is_pinned in (None, place.is_pinned):
            return self.order.until(place)
        return literal(not place.is_pinned)
