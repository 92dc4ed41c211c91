"""News of all runs: what finished, failed, went silent or changed phase."""

from sqlalchemy.orm import Session

from app.db.news import events_after, latest_event
from app.schemas.api.news import News, NewsItem, NewsKind

MOST = 100


def read_news(session: Session, after: int | None) -> News:
    """What happened past a place; without one nothing, but the place to go on from."""
    if after is None:
        return News(news=[], cursor=latest_event(session))
    found = events_after(session, after, [kind.value for kind in NewsKind], limit=MOST)
    news = [
        NewsItem(
            at=event.at,
            kind=NewsKind(event.kind),
            run_id=event.run_id,
            run_name=name,
            message=event.message,
            sequences=event.sequences,
        )
        for event, name in found
    ]
    # The last that was told, not the latest there is: kinds that are no news are looked through
    # again, but nothing that comes into the gap is missed.
    return News(news=news, cursor=found[-1][0].id if found else after)
