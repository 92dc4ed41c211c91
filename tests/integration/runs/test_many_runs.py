"""Statements of pages that must not read every run there is: by what Postgres plans to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session

from app.db import lineage, recording, runs
from app.db.engine import session_scope
from app.db.runs_list import choices
from app.schemas.measure import PhaseChange
from app.schemas.state import RunState
from app.services.runs_list.columns import USUAL
from app.services.runs_list.listing import CursorRange, Filter, list_rows
from tests.integration.support.rows import change, moved, new_run

DELETED = "ix_run_deleted"


@contextmanager
def plans_of(engine: Engine, session: Session) -> Iterator[list[dict[str, Any]]]:
    """What Postgres would do for each statement of the block, with a million runs.

    It is told so, and forgets it with the transaction: what tests before this have left, and what
    it has counted of that, would decide otherwise.
    """
    plans: list[dict[str, Any]] = []
    session.execute(text("SET LOCAL enable_seqscan = off"))
    known = "DELETE FROM pg_statistic WHERE starelid IN ('run'::regclass, 'study_run'::regclass)"
    session.execute(text(known))
    many = "UPDATE pg_class SET reltuples = 1e6, relpages = 1 WHERE oid = 'run'::regclass"
    session.execute(text(many))

    def explain(connection, cursor, statement, parameters, *_) -> None:
        if statement.startswith("SET"):
            return
        with connection.connection.cursor() as asks:
            asks.execute(f"EXPLAIN (FORMAT JSON) {statement}", parameters)
            plans.append(asks.fetchone()[0][0]["Plan"])

    event.listen(engine, "before_cursor_execute", explain)
    try:
        yield plans
    finally:
        event.remove(engine, "before_cursor_execute", explain)
        session.rollback()


def whole_reads(node: dict[str, Any]) -> list[str]:
    """The steps of a plan that fetch every run: those that no index narrows and no limit ends."""
    if node["Node Type"] == "Limit" and "Sort" not in node["Plans"][0]["Node Type"]:
        return []
    is_of_runs = node.get("Relation Name") == "run"
    # The index of deleted runs has no others in it.
    narrows = {"Index Cond", "Recheck Cond"} & node.keys() or node.get("Index Name") == DELETED
    is_whole = node["Node Type"] in ("Seq Scan", "Index Scan", "Bitmap Heap Scan") and not narrows
    own = [str(node)] if is_of_runs and is_whole else []
    return own + [one for part in node.get("Plans", ()) for one in whole_reads(part)]


@pytest.mark.parametrize(
    "ask",
    [
        lambda session, run: lineage.relatives_of(session, run, limit=5),
        lambda session, _: runs.runs_by_state(session),
        lambda session, _: choices.tags_in_use(session),
        lambda session, _: choices.datasets_in_use(session),
        lambda session, _: runs.rates_of_alike(session, {}, 32, limit=5),
    ],
    ids=["relatives", "by state", "tags", "datasets", "alike"],
)
def test_no_page_reads_every_run(ask: Callable[[Session, object], object], engine, outbox):
    run_id = new_run(engine, outbox)
    with session_scope(engine) as session:
        run = runs.run_by_id(session, run_id)
        with plans_of(engine, session) as plans:
            ask(session, run)

    assert [whole_reads(plan) for plan in plans] == [[]]


def test_the_choices_of_the_list_are_read_from_indexes(engine, outbox):
    new_run(engine, outbox, tags=["one"])
    with session_scope(engine) as session, plans_of(engine, session) as plans:
        choices.tags_in_use(session)
        choices.datasets_in_use(session)

    assert [scans(plan) for plan in plans] == [{"ix_run_tagged"}, {"ix_run_dataset"}]


def scans(node: dict[str, Any]) -> set[str]:
    """The indexes that a plan reads runs by."""
    own = {node["Index Name"]} if "Index Name" in node else set()
    return own.union(*map(scans, node.get("Plans", ())))


INDEXES = {
    "name": "ix_run_name_id",
    "clamps": "ix_run_clamps_id",
    "state": "ix_run_state_id",
    "progress": "ix_run_final_progress_id",
    "train_loss": "ix_run_final_train_loss_id",
    "midpoint": "ix_run_final_midpoint_id",
    "created": "ix_run_created_at_id",
}


def test_the_usual_columns_have_indexes_to_sort_by():
    assert INDEXES.keys() == {"name", *USUAL}


def test_sorted_lists_are_read_in_the_order_of_an_index(engine, outbox):
    for _ in range(2):
        new_run(engine, outbox)
    sorts = [f"{sign}{name}" for name in INDEXES for sign in ("", "-")]
    with session_scope(engine) as session:
        ends = {one: list_rows(session, Filter(sort=one), CursorRange(limit=1))[1] for one in sorts}
        with plans_of(engine, session) as plans:
            for sort in sorts:
                list_rows(session, Filter(sort=sort), CursorRange())
                list_rows(session, Filter(sort=sort), CursorRange(cursor=ends[sort]))

    for sort, of_sort in zip(sorts, zip(plans[::2], plans[1::2], strict=True), strict=True):
        assert [whole_reads(plan) for plan in of_sort] == [[], []], sort
        assert all(INDEXES[sort.removeprefix("-")] in scans(plan) for plan in of_sort), sort


def test_words_are_looked_up_in_an_index(engine, outbox):
    new_run(engine, outbox)
    with session_scope(engine) as session, plans_of(engine, session) as plans:
        # Told to have a million runs and asked for few of them, it may go through them in order.
        session.execute(text("SET LOCAL enable_indexscan = off"))
        for words in ("duct", "y", "two words", "1a2b3c4d"):
            list_rows(session, Filter(words=words), CursorRange())

    assert [whole_reads(plan) for plan in plans] == [[]] * 4
    assert all("ix_run_search_pieces" in scans(plan) for plan in plans)


def test_a_flush_writes_to_no_index_of_runs(engine, outbox):
    run_id = new_run(engine, outbox)
    written = text(
        "SELECT pg_stat_get_xact_tuples_updated(oid), pg_stat_get_xact_tuples_hot_updated(oid) "
        "FROM pg_class WHERE relname = 'run'"
    )
    one = recording.Progress(run_id, 100, 0.7, 1000.0, 0, PhaseChange(midpoint=50.0))
    with session_scope(engine) as session:
        recording.set_progress(session, [one])
        assert session.execute(written).one() == (1, 1)


def test_states_are_counted_without_deleted_runs(engine, outbox):
    ids = [new_run(engine, outbox) for _ in range(3)]
    moved(engine, outbox, ids[0], RunState.CANCELLED)
    for one in ids[:2]:
        with engine.begin() as connection:
            gone = text("UPDATE run SET deleted_at = now(), kept_until = now() WHERE id = :id")
            connection.execute(gone, {"id": one})

    with session_scope(engine) as session:
        assert runs.runs_by_state(session) == {RunState.QUEUED: 1}


def test_choices_are_every_dataset_and_the_newest_tags(engine, outbox, monkeypatch):
    for number, tags in enumerate((["old"], ["new"], ["newer", "all"], [], [])):
        run_id = new_run(engine, outbox, tags=tags)
        change(engine, run_id, config=_of(f"dataset{number // 2}"))
    with engine.begin() as connection:
        gone = text("UPDATE run SET deleted_at = now(), kept_until = now() WHERE id = :id")
        connection.execute(gone, {"id": run_id})  # the only one of dataset2
    monkeypatch.setattr(choices, "NEWEST", 2)

    with session_scope(engine) as session:
        assert choices.tags_in_use(session) == ["all", "new", "newer"]
        assert choices.datasets_in_use(session) == ["dataset0", "dataset1"]


def _of(dataset: str) -> dict[str, dict[str, str]]:
    return {"task": {"dataset": dataset}}
