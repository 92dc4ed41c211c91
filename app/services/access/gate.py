"""The gate: tells from what a request carries who sends it."""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from sqlalchemy import Engine

from app.db import access
from app.db.engine import session_scope
from app.db.models import AccessToken
from app.schemas.access import THIS_MACHINE, Caller, Scope

LASTING = timedelta(days=30)  # a session of a browser
FRESH = timedelta(hours=12)  # ... until its cookie is replaced
OVERLAP = timedelta(minutes=1)  # in which requests that are under way may carry the one before
REMEMBERED_SECONDS = 5.0  # a browser, so that not every request of it asks the database
MOST_REMEMBERED = 1000

_OWN = Caller("the server's token", Scope.ADMIN)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who sends a request; `is_stale`: their cookie should be replaced."""

    caller: Caller
    is_stale: bool = False


class Gate:
    """Lets in who shows a token or a cookie; everybody, where no token is set."""

    def __init__(self, engine: Engine, token: str) -> None:
        self._engine, self._token = engine, token
        self._known: dict[str, tuple[Visit, float]] = {}
        self._lock = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether no token is asked for."""
        return not self._token

    def visit(self, *, token: str | None = None, cookie: str | None = None) -> Visit | None:
        """Who shows this, or nobody that is known."""
        if self.is_open:
            return Visit(THIS_MACHINE)
        if token is not None:
            # Asked about every time: one that is revoked elsewhere lets nobody in any more.
            return self._remembered(digest(token), lambda: self._visit_with_token(token), 0.0)
        if cookie is not None:
            key = self._key(cookie)
            return self._remembered(key, lambda: self._visit_with_cookie(key), REMEMBERED_SECONDS)
        return None

    def knows(self, token: str) -> bool:
        """Whether this process has let it in before: then it is no guess."""
        with self._lock:
            return digest(token) in self._known

    def caller_with(self, token: str) -> Caller | None:
        """Whose token it is."""
        # Compared as hashes, so that the time which that takes tells nothing of either.
        if hmac.compare_digest(digest(token), digest(self._token)):
            return _OWN
        with session_scope(self._engine) as session:
            found = access.token_of(session, digest(token))
            return None if found is None else _caller(found)

    def open_session(self, caller: Caller) -> str:
        """A new cookie for a browser."""
        cookie = secrets.token_urlsafe(32)
        with session_scope(self._engine) as session:
            access.open_session(session, self._key(cookie), caller.token_id, LASTING)
        return cookie

    def renew_session(self, cookie: str, caller: Caller) -> str:
        """A cookie in the place of one that has been in use for long."""
        with session_scope(self._engine) as session:
            access.end_session(session, self._key(cookie), within=OVERLAP)
        self.forget()
        return self.open_session(caller)

    def end_session(self, cookie: str) -> None:
        """Takes a cookie back."""
        with session_scope(self._engine) as session:
            access.end_session(session, self._key(cookie))
        self.forget()

    def forget(self) -> None:
        """Asks the database again: something was revoked. Other processes do within seconds."""
        with self._lock:
            self._known = {key: (visit, 0.0) for key, (visit, _) in self._known.items()}

    def _key(self, cookie: str) -> str:
        """What is kept of a cookie. Made of the server's token, too: whoever changes that, since it
        was found out, wants nobody let in who came by it."""
        return hmac.new(self._token.encode(), cookie.encode(), hashlib.sha256).hexdigest()

    def _remembered(
        self, key: str, look_up: Callable[[], Visit | None], seconds: float
    ) -> Visit | None:
        """Who comes with this; asked again after so long."""
        with self._lock:
            remembered, until = self._known.get(key, (None, 0.0))
        if remembered is not None and monotonic() < until:
            return remembered
        visit = look_up()
        with self._lock:
            self._known.pop(key, None)
            # Only those who are known, so that guesses fill nothing.
            if visit is not None:
                if len(self._known) >= MOST_REMEMBERED:
                    del self._known[next(iter(self._known))]  # who was asked about longest ago
                self._known[key] = visit, monotonic() + seconds
        return visit

    def _visit_with_token(self, token: str) -> Visit | None:
        caller = self.caller_with(token)
        return None if caller is None else Visit(caller)

    def _visit_with_cookie(self, key: str) -> Visit | None:
        with session_scope(self._engine) as session:
            found = access.browser_session(session, key)
            if found is None:
                return None
            opened, token = found
            return Visit(_caller(token), datetime.now(UTC) - opened.created_at > FRESH)


def _caller(token: AccessToken | None) -> Caller:
    return _OWN if token is None else Caller(token.name, Scope.called(token.scope), token.id)


def digest(secret: str) -> str:
    """The SHA-256 of a secret. It is random and long: nothing slower would make it safer."""
    return hashlib.sha256(secret.encode()).hexdigest()
