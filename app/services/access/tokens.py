"""Tokens of programs: made, listed, revoked."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import access
from app.db.engine import after_commit
from app.db.models import AccessToken
from app.errors import NotFound
from app.schemas.access import Scope
from app.schemas.api.access import AuditEventRead, AuditRead, TokenMade, TokenRead, TokensRead
from app.services.access.gate import Gate, digest
from app.services.runs.creation import new_id

PREFIX = "opto_"  # so that one that was published by mistake can be found
SHOWN_EVENTS = 100


@dataclass(frozen=True)
class TokensPage:
    """Context of `access/tokens.html`; `made`: the token that was just made, shown once."""

    tokens: Sequence[TokenRead]
    events: Sequence[AuditEventRead]
    scopes: Sequence[str]
    is_open: bool
    made: TokenMade | None = None


def make_token(session: Session, name: str, scope: Scope) -> TokenMade:
    """A new token; its text is told this once."""
    text = PREFIX + secrets.token_urlsafe(32)
    row = AccessToken(id=new_id(), name=name, sha256=digest(text), scope=scope.word)
    session.add(row)
    session.flush()
    access.note(session, "made a token", f"{name} ({row.id}), {scope.word}")
    return TokenMade(**_read(row).model_dump(), token=text)


def revoke_token(session: Session, token_id: str, gate: Gate | None = None) -> None:
    """Takes a token back, with the sessions that were opened by it; `gate`: this process's."""
    row = session.get(AccessToken, token_id)
    if row is None:
        raise NotFound(f"There is no token {token_id!r}.")
    access.note(session, "revoked a token", f"{row.name} ({row.id})")
    session.delete(row)
    if gate is not None:
        # Not earlier: who comes before the commit is still let in, and would be remembered.
        after_commit(session, gate.forget)


def read_tokens(session: Session) -> TokensRead:
    """Every token, without its text."""
    return TokensRead(tokens=[_read(row) for row in access.tokens(session)])


def read_audit(session: Session) -> AuditRead:
    """The latest that was launched, deleted, made or revoked, newest first."""
    events = access.audit_events(session, limit=SHOWN_EVENTS)
    return AuditRead(
        events=[AuditEventRead.model_validate(one, from_attributes=True) for one in events]
    )


def tokens_page(session: Session, *, is_open: bool, made: TokenMade | None = None) -> TokensPage:
    """The page of tokens."""
    scopes = [scope.word for scope in Scope]
    return TokensPage(
        read_tokens(session).tokens, read_audit(session).events, scopes, is_open, made
    )


def _read(row: AccessToken) -> TokenRead:
    return TokenRead.model_validate(row, from_attributes=True)
