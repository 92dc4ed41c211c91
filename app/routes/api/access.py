"""REST: tokens, and who did what."""

from fastapi import APIRouter, Response

from app.dependencies import ServicesDep, SessionDep
from app.schemas.access import Scope
from app.schemas.api.access import AuditRead, TokenMade, TokenRequest, TokensRead
from app.services.access.tokens import make_token, read_audit, read_tokens, revoke_token

router = APIRouter(tags=["access"])


@router.get("/tokens")
def list_tokens(session: SessionDep) -> TokensRead:
    """Every token, without its text."""
    return read_tokens(session)


@router.post("/tokens", status_code=201)
def create_token(request: TokenRequest, session: SessionDep) -> TokenMade:
    """Make a token. Its text is told in this answer and never again."""
    return make_token(session, request.name, Scope.called(request.scope))


@router.delete("/tokens/{token_id}", status_code=204)
def delete_token(token_id: str, made: ServicesDep, session: SessionDep) -> Response:
    """Revoke a token; sessions that were opened with it end."""
    revoke_token(session, token_id, made.gate)
    return Response(status_code=204)


@router.get("/audit")
def get_audit(session: SessionDep) -> AuditRead:
    """Who launched, deleted, made or revoked what, the latest first."""
    return read_audit(session)
