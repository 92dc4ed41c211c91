"""Figures by the address of the page that shows them, as somebody copies it."""

import re
from urllib.parse import urlsplit

from pydantic import ValidationError

from app.errors import Invalid
from app.schemas.boards import ComparisonBlock, FigureBlock, RunBlock, StudyBlock
from app.services.boards.views import chart_view, check_view

# At its end: before it may stand a host, and where on this host we are.
_PAGE = re.compile(r"/(?:(runs|studies)/([a-z0-9]{1,40})|compare)/?$")


def figure_at(address: str, figure: str = "", caption: str = "") -> FigureBlock:
    """The figure that a page shows. `figure`: of a run, which one; empty: that of the metric.

    Raises `Invalid` for an address of anything else.
    """
    parts = urlsplit(address.strip())
    found = _PAGE.search(parts.path)
    if found is None:
        raise Invalid(
            "This is no address of a run, a comparison or a study: copy that of its page, such as "
            "/runs/8kq2m4x7vd?x=log.",
            loc="address",
        )
    try:
        block = _block(found[1], found[2], parts.query, figure, caption)
    except ValidationError as error:
        raise Invalid(f"{error.errors()[0]['msg']}.", loc="address") from None
    check_view(block)
    return block


def _block(kind: str | None, its_id: str, query: str, figure: str, caption: str) -> FigureBlock:
    if kind is None:
        return ComparisonBlock(kind="comparison", query=query, caption=caption)
    if kind == "studies":
        return StudyBlock(kind="study", study_id=its_id, query=query, caption=caption)
    run = RunBlock(kind="run", run_id=its_id, query=query, caption=caption)
    return run.model_copy(update={"figure": figure or str(chart_view(run).metric)})
