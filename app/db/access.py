"""Statements about tokens, sessions of browsers, and who did what."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from app.db.models import AccessToken, AuditEvent, BrowserSession, Moment
from app.schemas.access import THIS_MACHINE, Caller

# Of events; their `about` ends in the id, in brackets.
DELETED_RUN, PURGED_RUN = "deleted a run", "deleted a run for good"
RESTORED_RUN = "restored a run"
ID_LENGTH = 10  # of a run
CALLER = "caller"  # in a session's info: whom it acts for


def token_of(session: Session, sha256: str) -> AccessToken | None:
    """The token with this hash; notes that it is used, once a minute at most."""
    # Programs ask some hundred times a second: each would write, and wait for the one before.
    is_old = AccessToken.used_at < func.clock_timestamp() - timedelta(minutes=1)
    own = AccessToken.sha256 == sha256
    unnoted = update(AccessToken).where(own, or_(AccessToken.used_at.is_(None), is_old))
    session.execute(unnoted.values(used_at=func.clock_timestamp()))
    return session.scalars(select(AccessToken).where(own)).one_or_none()


def tokens(session: Session) -> Sequence[AccessToken]:
    """Every token, the oldest first."""
    statement = select(AccessToken).order_by(AccessToken.created_at, AccessToken.id)
    return session.scalars(statement).all()


def browser_session(
    session: Session, sha256: str
) -> tuple[BrowserSession, AccessToken | None] | None:
    """The session with this hash, unless it is over; and the token that it was opened with."""
    statement = (
        select(BrowserSession, AccessToken)
        .outerjoin(AccessToken, AccessToken.id == BrowserSession.token_id)
        .where(BrowserSession.sha256 == sha256, BrowserSession.expires_at > _after(timedelta(0)))
    )
    row = session.execute(statement).one_or_none()
    return None if row is None else (row[0], row[1])


def open_session(session: Session, sha256: str, token_id: str | None, lasting: timedelta) -> None:
    """Lets a browser in for so long; forgets sessions that are over."""
    now = _after(timedelta(0))
    session.execute(delete(BrowserSession).where(BrowserSession.expires_at < now))
    session.add(BrowserSession(sha256=sha256, token_id=token_id, expires_at=_after(lasting)))
    session.flush()


def end_session(session: Session, sha256: str, *, within: timedelta = timedelta(0)) -> None:
    """Ends a session, at the latest after so long."""
    soon = func.least(BrowserSession.expires_at, _after(within))
    statement = update(BrowserSession).where(BrowserSession.sha256 == sha256)
    session.execute(statement.values(expires_at=soon))


def note(session: Session, what: str, about: str) -> None:
    """Adds to the record of who did what."""
    session.add(AuditEvent(who=caller(session).name, what=what, about=about))


def caller(session: Session) -> Caller:
    """Whom the session acts for."""
    found = session.info.get(CALLER, THIS_MACHINE)
    assert isinstance(found, Caller)
    return found


def audit_events(session: Session, *, limit: int) -> Sequence[AuditEvent]:
    """The latest, newest first."""
    statement = select(AuditEvent).order_by(AuditEvent.id.desc()).limit(limit)
    return session.scalars(statement).all()


def _after(time: timedelta) -> ColumnElement[datetime]:
    return func.clock_timestamp(type_=Moment) + time


def deleted_runs(session: Session, run_ids: Collection[str]) -> set[str]:
    """Those of the runs that were deleted, as is on record."""
    about = func.right(AuditEvent.about, ID_LENGTH + 2)
    wanted = [f"({run_id})" for run_id in run_ids]
    is_deletion = AuditEvent.what.in_([DELETED_RUN, PURGED_RUN])
    statement = select(about).where(is_deletion, about.in_(wanted))
    return {str(found).strip("()") for found in session.scalars(statement)}
