"""Runs that are deleted and can still be restored: hidden from every statement of a session."""

from sqlalchemy import event, select
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria

from app.db.models.analyses import Analysis
from app.db.models.runs import Run
from app.db.models.studies import StudyRunRow

# A run that is deleted, and can still be restored, is there for nobody: every statement of a
# session has that added, in joins and subqueries, too. Those that are about deleted runs say so.
INCLUDING_DELETED = {"including_deleted": True}  # among a statement's execution options
_RUNS = Run.__table__  # below the mapping, where nothing is added
_DELETED = select(_RUNS.c.id).where(_RUNS.c.deleted_at.is_not(None))
_LIVE = (
    with_loader_criteria(Run, Run.deleted_at.is_(None), include_aliases=True),
    with_loader_criteria(StudyRunRow, StudyRunRow.run_id.not_in(_DELETED), include_aliases=True),
    with_loader_criteria(Analysis, Analysis.run_id.not_in(_DELETED), include_aliases=True),
)


@event.listens_for(Session, "do_orm_execute")
def _hide_deleted(said: ORMExecuteState) -> None:
    is_whole = said.is_select or said.is_update or said.is_delete
    if is_whole and not said.is_column_load and not said.execution_options.get("including_deleted"):
        said.statement = said.statement.options(*_LIVE)
