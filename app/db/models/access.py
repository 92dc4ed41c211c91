"""Who is let in, what was asked already, and who did what."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Text, func
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base
from app.db.models.columns import Moment


class AccessToken(Base):
    """What a program shows to be let in; only its SHA-256 is kept, as it is random itself."""

    __tablename__ = "access_token"
    __table_args__ = (Index("ix_access_token_sha256", "sha256", unique=True),)

    id: Mapped[str] = mapped_column(Text, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(Text)
    scope: Mapped[str] = mapped_column(Text)  # `schemas.access.Scope`
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    used_at: Mapped[datetime | None] = mapped_column(Moment)


class BrowserSession(Base):
    """A browser that was let in: its cookie, as SHA-256, and by which token; null: the server's."""

    __tablename__ = "browser_session"

    sha256: Mapped[str] = mapped_column(Text, primary_key=True)
    token_id: Mapped[str | None] = mapped_column(
        Text, ForeignKey("access_token.id", ondelete="CASCADE")
    )
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    expires_at: Mapped[datetime] = mapped_column(Moment)


class AuditEvent(Base):
    """Who launched, deleted or let in what; kept when that is gone."""

    __tablename__ = "audit_event"

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
    who: Mapped[str] = mapped_column(Text)
    what: Mapped[str] = mapped_column(Text)
    about: Mapped[str] = mapped_column(Text)


class IdempotencyKey(Base):
    """Answers already given to a POST, so that a repeated request starts nothing twice."""

    __tablename__ = "idempotency_key"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)  # SHA-256 of the request
    # What was started: one of these. No foreign keys: used again after a deletion, the key must
    # not start it anew.
    run_id: Mapped[str | None] = mapped_column(Text)
    study_id: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment, server_default=func.clock_timestamp())
