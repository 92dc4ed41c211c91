"""What queries can ask about, for whoever writes one."""

from collections.abc import Mapping, Sequence
from typing import Literal

from sqlalchemy.orm import Session

from app.db import studies
from app.db.runs_list import choices
from app.schemas.api.views import QueryFieldRead
from app.services.charts.curves import STUDY_METRICS
from app.services.runs_list.query_conditions import operators_of
from app.services.runs_list.query_fields import QueryField, fields

STUDIES = 100  # names of the newest
_KINDS: dict[str, Literal["number", "time"]] = {"number": "number", "moment": "time"}


def query_fields(session: Session) -> list[QueryFieldRead]:
    """Every field, with the values that there are."""
    tags, datasets = choices.tags_in_use(session), choices.datasets_in_use(session)
    named = [one.name for one in studies.studies_page(session, limit=STUDIES)]
    used = {"tag": tags, "dataset": datasets, "task.dataset": datasets, "study": named}
    return [_read(field, used) for field in fields().values()]


def _read(field: QueryField, used: Mapping[str, Sequence[str]]) -> QueryFieldRead:
    return QueryFieldRead(
        name=field.name,
        title=field.title,
        unit=field.unit,
        kind=_KINDS.get(field.kind, "text"),
        is_measured=field.name in STUDY_METRICS,
        operators=[*operators_of(field)],
        values=[*(field.values or used.get(field.name, ()))],
    )
