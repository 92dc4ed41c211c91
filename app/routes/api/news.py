"""REST: what happens to runs, whichever they are."""

from typing import Annotated

from fastapi import APIRouter, Query

from app.dependencies import SessionDep
from app.schemas.api.news import News
from app.schemas.numbers import LARGEST
from app.services.news import read_news

router = APIRouter(tags=["live"])


@router.get("/news")
def get_news(
    session: SessionDep,
    after: Annotated[
        int | None, Query(ge=0, le=LARGEST, description="A `cursor` of before")
    ] = None,
) -> News:
    """Hear which runs finished, failed, went silent or changed phase, a hundred at most.

    Ask again with the `cursor` of the answer. Without `after` there is no news, but a cursor: that
    of now.
    """
    return read_news(session, after)
