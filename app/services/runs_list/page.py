"""The page of runs: one line per run, with the columns that were chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

from sqlalchemy.orm import Session

from app.db import studies
from app.db.runs_list import choices
from app.db.runs_list.pages import Found
from app.errors import InvalidQuery
from app.schemas.api.runs import RunRead
from app.schemas.api.views import SavedViewRead
from app.schemas.config import RunConfig
from app.schemas.state import TERMINAL, RunState
from app.services.charts.sparklines import HEIGHT, WIDTH, Sparkline, sparklines
from app.services.clamps.lit_model import LitModel, lit_model
from app.services.colours import PALETTE
from app.services.runs.run_read import read_run
from app.services.runs_list.asked import QueryExample, WrongQuery, asked_part
from app.services.runs_list.columns import NAME, Column, chosen_columns, columns
from app.services.runs_list.grouping import grouping_or_error, value_of
from app.services.runs_list.groups import NO_GROUPS, GroupsPart, groups_part
from app.services.runs_list.listing import MOST, NEWEST, CursorRange, Filter, list_rows
from app.services.runs_list.pickers import Picker, pickers
from app.services.runs_list.saved_views import list_views
from app.services.runs_list.view import USUAL_WORD, ListView
from app.services.studies.lifecycle import study_or_error
from app.services.wording import days

T = TypeVar("T")

BUSY_SECONDS = 2  # between looks at the table while something trains
IDLE_SECONDS = 10
PAGE = 50
STUDIES = 100  # to choose from
CURVE = "train_loss"  # the column with the sparkline


@dataclass(frozen=True)
class Cell:
    """What a column shows of a run."""

    column: Column
    text: str


@dataclass(frozen=True)
class RunRow:
    """A run in the table."""

    run: RunRead
    summary: str
    lit_model: LitModel
    words: str
    curve: Sparkline | None
    cells: Sequence[Cell]


@dataclass(frozen=True)
class Head:
    """The head of a column, which sorts by it."""

    column: Column
    sorted: str  # as aria-sort says it; empty: by another column
    url: str


@dataclass(frozen=True)
class Chip:
    """Something that the list is filtered by, and the list without it."""

    text: str
    url: str


@dataclass(frozen=True)
class RunsPart:
    """Context of the block that shows a part of the list."""

    view: ListView
    rows: Sequence[RunRow]
    rows_id: str
    id_prefix: str  # of elements of runs: one may be in several groups of a page
    rows_url: str  # where the same part of the list is, now or later
    refresh_seconds: int
    next_url: str | None
    column_count: int
    curve_size: tuple[int, int]


@dataclass(frozen=True)
class RunsTable(RunsPart, GroupsPart):
    """Context of the block with the whole table."""

    heads: Sequence[Head]
    chips: Sequence[Chip]
    clear_url: str  # the same list without any filter
    refresh_url: str
    is_later_page: bool
    is_unread: bool  # the query cannot be read: there are no rows for that


@dataclass(frozen=True)
class RunsAnswer(RunsTable):
    """Context of the table and of the block below the search field."""

    wrong: WrongQuery | None
    examples: Sequence[QueryExample]


@dataclass(frozen=True)
class RunsPage(RunsAnswer):
    """Context of `runs/list.html`."""

    views: Sequence[SavedViewRead]
    shown_view: str  # the id of the one that this is; empty: none
    pickers: Sequence[Picker]
    palette: Sequence[str]
    usual_columns_url: str
    kept: str  # for how long deleted runs can be restored, in words; empty: they go at once


def runs_part(session: Session, view: ListView, span: CursorRange) -> RunsPart:
    """A part of the list; all of it up to `span.until` if that is given."""
    shown = chosen_columns(view.columns, "query/columns")
    limit = MOST if span.until else PAGE
    found, next_cursor = list_rows(session, view.wanted, replace(span, limit=limit), shown)
    # Once something comes after it, a part ends where it ended: so none is shown twice or never.
    ended = replace(span, until=span.until or next_cursor)
    after = CursorRange(cursor=next_cursor) if next_cursor and not span.until else None
    busy = any(RunState(one.run.state) not in TERMINAL for one in found)
    return RunsPart(
        view=view,
        rows=_rows(session, found, shown),
        rows_id=view.rows_id(span.cursor),
        id_prefix=f"{view.rows_id()}-" if view.wanted.within is not None else "",
        rows_url=view.address(ended),
        refresh_seconds=BUSY_SECONDS if busy else IDLE_SECONDS,
        next_url=view.address(after) if after else None,
        column_count=len(shown) + 3,
        curve_size=(WIDTH, HEIGHT),
    )


def runs_table(session: Session, view: ListView, span: CursorRange) -> RunsTable:
    """The table: the runs of a list, or its groups, whose runs are asked for when one is opened."""
    study = study_or_error(session, view.wanted.study) if view.wanted.study else None
    shown = chosen_columns(view.columns, "query/columns")
    part = _no_rows(view) if view.wanted.is_grouped else runs_part(session, view, span)
    return RunsTable(
        **vars(part),
        **vars(groups_part(session, view, shown)),
        heads=[_head(view, column) for column in (columns()[NAME], *shown)],
        chips=_chips(view, study.name if study else "", _group_said(session, view)),
        clear_url=_everything(view),
        refresh_url=view.address(span),
        is_later_page=span.cursor is not None,
        is_unread=False,
    )


def fresh_groups(session: Session, view: ListView) -> GroupsPart:
    """The lines of groups as they are now."""
    shown = chosen_columns(view.columns, "query/columns")
    return groups_part(session, view, shown, is_fresh=True)


def _no_rows(view: ListView) -> RunsPart:
    """The part of a list that shows no runs."""
    return RunsPart(
        view=view,
        rows=[],
        rows_id="",
        id_prefix="",
        rows_url=view.url,
        refresh_seconds=IDLE_SECONDS,
        next_url=None,
        column_count=len(view.columns) + 3,
        curve_size=(WIDTH, HEIGHT),
    )


def _group_said(session: Session, view: ListView) -> str:
    """What the group is called whose runs alone are shown; empty: it is none."""
    wanted = view.wanted
    if wanted.within is None:
        return ""
    by = grouping_or_error(wanted.group)
    value = value_of(wanted.within)
    if by.id == "study" and value is not None:
        value = study_or_error(session, value).name
    return f"{by.title}: {by.title_of(value)}"


def _everything(view: ListView) -> str:
    """The same list without any filter."""
    wanted = view.wanted
    every = Filter(
        sort=wanted.sort,
        deleted=wanted.deleted,
        shelved=bool(wanted.shelved),
        pinned_first=True,
        group=wanted.group,
    )
    return view.filtered(every).url


def _unread_table(view: ListView) -> RunsTable:
    """The table of a query that nobody can read."""
    return RunsTable(
        **vars(replace(_no_rows(view), column_count=0)),
        **vars(NO_GROUPS),
        heads=[],
        chips=_chips(view, view.wanted.study or "", ""),
        clear_url=_everything(view),
        refresh_url=view.url,
        is_later_page=False,
        is_unread=True,
    )


def runs_page(session: Session, view: ListView, span: CursorRange, grace: timedelta) -> RunsPage:
    """The whole page; without runs if the query cannot be read."""
    try:
        table, error = runs_table(session, view, span), None
    except InvalidQuery as found:
        table, error = _unread_table(view), found
    views = list_views(session).views
    shown = (one.id for one in views if f"?{one.address}" == view.url.removeprefix("/runs"))
    return RunsPage(
        **vars(table),
        views=views,
        shown_view=next(shown, ""),
        **vars(asked_part(view, error)),
        pickers=pickers(
            view,
            tags=choices.tags_in_use(session),
            datasets=choices.datasets_in_use(session),
            studies=[(one.id, one.name) for one in studies.studies_page(session, limit=STUDIES)],
        ),
        palette=PALETTE,
        usual_columns_url=replace(view, columns=(USUAL_WORD,)).url,
        kept=days(grace),
    )


def _rows(session: Session, found: Sequence[Found], shown: Sequence[Column]) -> list[RunRow]:
    has_curve = any(column.id == CURVE for column in shown)
    curves = sparklines(session, [one.run for one in found]) if has_curve and found else {}
    return [_row(one, shown, curves) for one in found]


def _row(found: Found, shown: Sequence[Column], curves: Mapping[str, Sparkline]) -> RunRow:
    run, numbers = found.run, iter(found.numbers)
    config = RunConfig.model_validate(run.config)
    read = read_run(run)
    cells = [
        Cell(column, column.text(run, next(numbers) if column.number is not None else None))
        for column in shown
    ]
    return RunRow(
        run=read,
        summary=summary(config),
        lit_model=lit_model(config.program, config.model),
        words=" ".join(read.description),
        curve=curves.get(run.id),
        cells=cells,
    )


def summary(config: RunConfig) -> str:
    """What tells runs apart at a glance: data, classes × labels, seed."""
    task = config.task
    return f"{task.dataset} {task.classes} × {task.labels} · seed {config.seeds.initial}"


def _head(view: ListView, column: Column) -> Head:
    """Sorting by age starts with the newest, by anything else with the least."""
    up, down = column.id, f"-{column.id}"
    first, second = (down, up) if down == NEWEST else (up, down)
    other = second if view.wanted.sort == first else first
    said = {up: "ascending", down: "descending"}.get(view.wanted.sort, "")
    return Head(column, said, view.filtered(replace(view.wanted, sort=other)).url)


def _chips(view: ListView, study: str, group: str) -> list[Chip]:
    """Everything that the list is filtered by."""
    wanted = view.wanted
    without = [
        *([(f"“{wanted.words}”", replace(wanted, words=""))] if wanted.words else []),
        *((one, replace(wanted, states=_less(wanted.states, one))) for one in wanted.states),
        *((f"tag {one}", replace(wanted, tags=_less(wanted.tags, one))) for one in wanted.tags),
        *(
            (f"dataset {one}", replace(wanted, datasets=_less(wanted.datasets, one)))
            for one in wanted.datasets
        ),
        *(
            (f"clamps: {one}", replace(wanted, clamps=_less(wanted.clamps, one)))
            for one in wanted.clamps
        ),
        *([(f"study {study}", replace(wanted, study=None))] if study else []),
        *([(group, replace(wanted, within=None))] if group else []),
        *([("shelved", replace(wanted, shelved=False))] if wanted.shelved else []),
        *([("deleted", replace(wanted, deleted=False))] if wanted.deleted else []),
    ]
    return [Chip(text, view.filtered(rest).url) for text, rest in without]


def _less(values: Sequence[T], value: T) -> list[T]:
    return [other for other in values if other != value]
