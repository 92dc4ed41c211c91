"""Deleted runs are there for nobody: held against every statement that a test has sent."""

import re
from typing import Any

from sqlalchemy import ClauseElement, Engine, TextClause, event
from sqlalchemy.engine import Connection, ExecutionContext
from sqlalchemy.sql import visitors

from app.db.base import Base

_READS = re.compile(r"(?:\b(?<!DELETE )FROM|\bJOIN|,) run\b(?!\.)")
_LEAVES_OUT = re.compile(r"\bdeleted_at IS (?:NOT )?NULL")


def forgets_the_deleted(statement: str) -> bool:
    """Whether it reads runs more often than it leaves deleted ones out."""
    return len(_READS.findall(statement)) > len(_LEAVES_OUT.findall(statement))


def _is_ours(statement: ClauseElement) -> bool:
    """And not about a table as an older version had it."""
    found = visitors.iterate(statement)
    return any(getattr(one, "metadata", None) is Base.metadata for one in found)


@event.listens_for(Engine, "before_cursor_execute")
def _check(
    _connection: Connection,
    _cursor: Any,
    statement: str,
    _parameters: Any,
    context: ExecutionContext,
    _many: bool,
) -> None:
    if context.compiled is None or isinstance(context.compiled.statement, TextClause):
        return  # of a test or a migration; ours have none about runs
    if context.execution_options.get("including_deleted"):
        return
    assert not (forgets_the_deleted(statement) and _is_ours(context.compiled.statement)), (
        f"This would show deleted runs; ask by the session, or say INCLUDING_DELETED: {statement}"
    )
