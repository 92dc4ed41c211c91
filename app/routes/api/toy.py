"""REST: the toy model of three vectors."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from app.routes.answers import Answers
from app.services.toy.page import toy_part
from app.toy.document import document, table
from app.toy.dynamics import curves
from app.toy.settings import ToyQuery

router = APIRouter(tags=["toy model"])

ToyDep = Annotated[ToyQuery, Query()]
TABLE: Answers = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get("/toy")
def get_toy(asked: ToyDep) -> dict[str, Any]:
    """Train the three vectors of the paper's section 4.1; takes some hundredths of a second.

    By what is clamped: loss and progress measures before every update and after the last.
    """
    return document(asked.settings, asked.clampings)


@router.get("/toy.csv", responses=TABLE, response_class=Response)
def get_toy_table(asked: ToyDep) -> Response:
    """The same as a table, a line an update."""
    text = table(curves(asked.settings, asked.clampings))
    named = 'attachment; filename="toy.csv"'
    return Response(text, media_type="text/csv", headers={"Content-Disposition": named})


@router.get("/toy/figure", summary="The figure of the toy model, for Plotly")
def get_toy_figure(asked: ToyDep) -> dict[str, Any]:
    """Traces and layout as plain JSON, and what the page says of them."""
    part = toy_part(asked)
    rows = [vars(row) for row in part.rows]
    said = {"rows": rows, "deviation": part.deviation, "query": part.query}
    return {**part.page_data["figure"], "said": said}
