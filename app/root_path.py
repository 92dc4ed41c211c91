"""The path that the application is served below: none, or one such as `/proxy/8000`.

A proxy may take it off the addresses that it hands on (nginx, JupyterHub) or leave it there (Open
OnDemand): both are served. Routes, redirects and templates know nothing of it and say `/runs`. It
is taken off as a request comes in (`app/routes/root_path.py`), and put before every address as the
answer goes out: of headers there, of pages by the templates, of documents by `rooted`.
"""

import re
from contextvars import ContextVar

FORM = re.compile(r"(/(?!\.{1,2}(/|$))[A-Za-z0-9._~@-]+)+")
# The first parts of what is served: below a path that begins so, an address could mean either.
OWN = frozenset(
    {
        *(
            "analyses",
            "api",
            "boards",
            "compare",
            "docs",
            "guide",
            "healthz",
            "import",
            "login",
            "logout",
            "metrics",
            "new",
            "readyz",
        ),
        *("paper", "runs", "static", "studies", "tokens", "toy", "welcome", "workers"),
    }
)
root: ContextVar[str] = ContextVar("root path", default="")


def checked_root(path: str) -> str:
    """The path without a slash at its end. Raises `ValueError` for what is none."""
    path = path.strip().rstrip("/")
    if path and not FORM.fullmatch(path):
        raise ValueError(f"{path!r} is not a path; write one such as /proxy/8000")
    first = path.partition("/")[2].partition("/")[0]
    if first in OWN:
        raise ValueError(f"{path!r} begins as Optoscope's own /{first} does; take another")
    return path


def rooted(address: str) -> str:
    """An address of ours as whoever sent the present request has to ask for it."""
    return root.get() + address if address.startswith("/") else address
