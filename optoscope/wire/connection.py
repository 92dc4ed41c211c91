"""One server, and how it is asked: requests that are repeated where that is safe, and errors."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx

from optoscope.wire import settings
from optoscope.wire.errors import OptoscopeError, foreign, refusal, unreachable

API = "/api/v1"
TIMEOUT = httpx.Timeout(30, connect=10)
SILENCE = httpx.Timeout(10, read=40)  # of a stream, which says something every ten seconds
PAUSES = (0.2, 0.6)  # seconds before the second and third try
LONGEST_PAUSE = 60.0  # seconds that a server may ask for

Json = Any  # what a JSON document is to who reads it
Query = Mapping[str, Any]


class Connection:
    """A server of Optoscope, with the token that lets one in. Paths are those below /api/v1."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url = url
        headers = {"User-Agent": f"optoscope/{_version()}"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self._http = httpx.Client(
            base_url=f"{url}{API}",
            headers=headers,
            timeout=TIMEOUT,
            # `http_proxy` is for the world outside, and few remember `no_proxy` for their own.
            trust_env=not settings.is_own_machine(url),
        )

    def close(self) -> None:
        """Ends the connections that are kept open."""
        self._http.close()

    def get(self, path: str, query: Query | None = None) -> Json:
        """What the API answers."""
        return _document(self._repeated("GET", path, params=_params(query)))

    def text(self, path: str, query: Query | None = None) -> str:
        """The same as text: tables."""
        return self._repeated("GET", path, params=_params(query)).text

    def save(self, path: str, to: Path, query: Query | None = None, sha256: str = "") -> Path:
        """Writes an answer to a file, whole or not at all; `sha256`: what it has to have."""
        digest, partial = hashlib.sha256(), to.with_name(f"{to.name}.part")
        try:
            with self.stream(path, query) as answer, partial.open("wb") as file:
                for piece in answer.iter_bytes():
                    digest.update(piece)
                    file.write(piece)
            if sha256 and digest.hexdigest() != sha256:
                raise OSError(f"{to.name} came damaged; try again.")
            return partial.replace(to)
        finally:
            partial.unlink(missing_ok=True)

    def send_file(self, path: str, field: str, file: Path) -> Json:
        """Sends a file as a form's field; however long the answer takes. Never sent twice."""
        with file.open("rb") as opened:
            timeout = httpx.Timeout(30, connect=10, read=None)
            files = {field: (file.name, opened)}
            return _document(self._once("POST", path, files=files, timeout=timeout))

    def may_be_framed(self, url: str) -> bool:
        """Whether a page of the server says that pages of others may have it in a frame."""
        with self.stream(url) as answer:
            policy = answer.headers.get("Content-Security-Policy", "")
        return "frame-ancestors 'self'" in policy

    def post(self, path: str, body: Json = None, query: Query | None = None) -> Json:
        """Asks for something. With a key of its own: what is sent again is done once."""
        key = {"Idempotency-Key": uuid4().hex}
        sent = {} if body is None else {"json": body}
        return _document(self._repeated("POST", path, params=_params(query), headers=key, **sent))

    def patch(self, path: str, body: Json) -> Json:
        """Changes what the body names."""
        return _document(self._repeated("PATCH", path, json=body))

    def delete(self, path: str, query: Query | None = None) -> None:
        """Deletes. Never sent twice: the second time it would be said to be gone."""
        self._once("DELETE", path, params=_params(query))

    @contextmanager
    def stream(
        self, path: str, query: Query | None = None, *, timeout: httpx.Timeout = TIMEOUT
    ) -> Iterator[httpx.Response]:
        """An answer that is read while it comes. What breaks off raises `OptoscopeError`."""
        # Not an empty query: it would take the place of the address's own.
        params = _params(query) or None
        request = self._http.build_request("GET", path, params=params, timeout=timeout)
        with self._reached():
            answer = self._http.send(request, stream=True)
            try:
                if not answer.is_success:
                    answer.read()
                yield _checked(answer)
            finally:
                answer.close()

    def _repeated(self, method: str, path: str, **sent: Any) -> httpx.Response:
        for pause in PAUSES:
            try:
                return self._once(method, path, **sent)
            except OptoscopeError as error:
                if not error.is_passing:
                    raise
                time.sleep(max(pause, min(error.retry_after, LONGEST_PAUSE)))
        return self._once(method, path, **sent)

    def _once(self, method: str, path: str, **sent: Any) -> httpx.Response:
        with self._reached():
            return _checked(self._http.request(method, path, **sent))

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except httpx.TransportError as error:
            raise unreachable(self.url, error) from error


def part(text: str) -> str:
    """An id or a name as a part of a path: whatever it holds, it leads nowhere else."""
    if not text.strip():
        raise ValueError("An id is empty; write one such as 8kq2m4x7vd.")
    return quote(text, safe="")


def _checked(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        raise refusal(answer)
    if not answer.is_success:  # a redirect: followed, a request that changes something would not
        raise foreign(answer)
    return answer


def _document(answer: httpx.Response) -> Json:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        raise foreign(answer) from None


def _params(query: Query | None) -> dict[str, Any]:
    """Without what was left out: None, and lists of nothing."""
    return {name: value for name, value in (query or {}).items() if value not in (None, [], ())}


def _version() -> str:
    try:
        return version("optoscope")
    except PackageNotFoundError:  # run from a clone that was not installed
        return "unknown"
