"""What goes wrong between a program and its server, as one exception.

The API answers every error with a problem document (RFC 9457): what was wrong, where in the
request, and what would be right. That is what the exception says, and holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import httpx

UNREACHABLE = 0  # in place of a status, where nothing has answered


@dataclass(frozen=True, slots=True)
class RequestFault:
    """One thing that is wrong with a request.

    `place`: a JSON pointer into what was sent (`/config/program/0`), or `query/NAME`,
    `header/NAME`. `input`: what stood there, if that is short. Of a query, `offset` and `length`
    say which characters it is about, and `suggestion` what was probably meant.
    """

    place: str
    message: str
    input: Any = None
    offset: int | None = None
    length: int = 0
    suggestion: str = ""

    def __str__(self) -> str:
        said = f"{self.place or 'request'}: {self.message}"
        if self.offset is None or not isinstance(self.input, str) or not self.input.isprintable():
            return said
        return f"{said}\n    {self.input}\n    {' ' * self.offset}{'^' * max(1, self.length)}"


class OptoscopeError(Exception):
    """A request that was refused, or that nobody answered.

    `status`: of HTTP, 0 where nothing answered. `title`: its kind in two words; `detail`: the
    sentence; `faults`: what is wrong with the request, each with its place. `retry_after`: the
    seconds that the server asks one to wait.
    """

    def __init__(
        self, detail: str, *, status: int, title: str = "", faults: Sequence[RequestFault] = ()
    ) -> None:
        super().__init__(detail)
        self.detail, self.status, self.title, self.faults = detail, status, title, tuple(faults)
        self.retry_after = 0.0

    def __str__(self) -> str:
        return "\n".join(map(str, self.faults)) if self.faults else self.detail

    def __reduce__(self) -> tuple[Any, ...]:
        """Can be pickled, as what fails in another process is."""
        return _again, (self.detail, self.status, self.title, self.faults)

    @property
    def is_passing(self) -> bool:
        """Whether the same request may succeed soon: of a server that restarts, or is busy."""
        return self.status in _PASSING


_PASSING = frozenset({UNREACHABLE, 429, 502, 503, 504})


def _again(detail: str, status: int, title: str, faults: Sequence[RequestFault]) -> OptoscopeError:
    return OptoscopeError(detail, status=status, title=title, faults=faults)


def refusal(answer: httpx.Response) -> OptoscopeError:
    """What an answer of 400 and more says; its body has been read."""
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):  # of a proxy in between
        document = {}
    title = str(document.get("title") or answer.reason_phrase)
    detail = str(document.get("detail") or _undocumented(answer, title))
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        detail += " Set OPTOSCOPE_TOKEN or OPTOSCOPE_TOKEN_FILE, or write Client(token=...)."
    faults = [_fault(one) for one in document.get("errors") or ()]
    error = OptoscopeError(detail, status=answer.status_code, title=title, faults=faults)
    asked = answer.headers.get("Retry-After", "")
    error.retry_after = float(asked) if asked.isdecimal() else 0.0
    return error


def _undocumented(answer: httpx.Response, title: str) -> str:
    return f"{answer.request.url} answers {answer.status_code} ({title}) without saying why."


def _fault(said: dict[str, Any]) -> RequestFault:
    return RequestFault(
        str(said["loc"]),
        str(said["message"]),
        said.get("input"),
        said.get("offset"),
        said.get("length") or 0,
        said.get("suggestion") or "",
    )


def unreachable(url: str, reason: object) -> OptoscopeError:
    """Nothing answers at the address, or what did broke off."""
    return OptoscopeError(
        f"{url} does not answer ({reason or 'no reason given'}). Start a server there with "
        "`optoscope up`, or name another with OPTOSCOPE_URL or Client(url).",
        status=UNREACHABLE,
        title="Unreachable",
    )


def foreign(answer: httpx.Response) -> OptoscopeError:
    """Something answers that is no Optoscope, or says that it lives elsewhere."""
    to = f" (it points to {answer.headers['Location']})" if answer.is_redirect else ""
    return OptoscopeError(
        f"What answers at {answer.request.url} is no Optoscope{to}; check the address, with the "
        "path below which a proxy serves it, if there is one.",
        status=answer.status_code,
        title="Not Optoscope",
    )
