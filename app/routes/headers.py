"""Headers that every answer carries: what a browser may do with it."""

from collections.abc import Sequence

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.routes.embedding import is_card

# Scripts from files of ours only: text that slipped into a page can run nothing. Styles may stand
# in attributes and be made by scripts, since Plotly draws with both; a style runs nothing either.
_NOBODY = "frame-ancestors 'none'"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    f"worker-src 'self'; form-action 'self'; base-uri 'none'; {_NOBODY}"
)
SECURITY_HEADERS = (
    ("Content-Security-Policy", _POLICY),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)
Raw = list[tuple[bytes, bytes]]


def _raw(headers: Sequence[tuple[str, str]]) -> Raw:
    return [(name.lower().encode(), value.encode()) for name, value in headers]


def _of_cards(origins: Sequence[str]) -> Raw:
    """Of a card, which pages of these origins may have in a frame; of none, nobody."""
    if not origins:
        return _raw(SECURITY_HEADERS)
    some = f"frame-ancestors 'self' {' '.join(origins)}"
    # X-Frame-Options has no word for some; browsers that know the policy pass over it.
    kept = [(name, value) for name, value in SECURITY_HEADERS if name != "X-Frame-Options"]
    return _raw([(name, value.replace(_NOBODY, some)) for name, value in kept])


class SecurityHeaders:
    """Adds them; outermost, so that refusals carry them too. Answers to our own bugs are made still
    further out, and add them by themselves. `embed_origins`: whose frames may hold a card."""

    def __init__(self, app: ASGIApp, *, embed_origins: Sequence[str] = ()) -> None:
        self._app = app
        self._usual, self._of_cards = _raw(SECURITY_HEADERS), _of_cards(embed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_http = scope["type"] == "http"
        added = self._of_cards if is_http and is_card(scope) else self._usual

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *added]
            await send(message)

        await self._app(scope, receive, sent if is_http else send)
