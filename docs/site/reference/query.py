"""What queries can ask about, from `app/services/runs_list/query_fields.py`."""

from app.services.runs_list.query_fields import QueryField, fields
from reference.markdown import code, table


def query_fields() -> str:
    """Every field as a table; of those that have a short name, that one alone."""
    every = fields()
    short = {one.title for name, one in every.items() if "." not in name}
    shown = [one for name, one in every.items() if "." not in name or one.title not in short]
    return table(("field", "what it is", "unit", "values"), map(_row, shown))


def _row(field: QueryField) -> tuple[str, ...]:
    kinds = {"number": "a number", "moment": "a time"}
    values = ", ".join(map(code, field.values)) or kinds.get(field.kind, "text")
    return code(field.name), field.title, field.unit, values
