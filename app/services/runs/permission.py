"""What whoever a session acts for may do, where the address alone does not say what is done."""

from sqlalchemy.orm import Session

from app.db.access import caller
from app.errors import Forbidden
from app.schemas.access import Scope


def require(session: Session, scope: Scope) -> None:
    """Raises `Forbidden` unless the caller has that scope."""
    who = caller(session)
    if who.scope < scope:
        raise Forbidden(
            f"This takes a token of scope {scope.word!r}; {who.name} has {who.scope.word!r}."
        )
