"""Watches a page for what must never happen: console errors, exceptions, failed requests."""

import re
from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

LEFT = "net::ERR_ABORTED"  # the page itself let go: it left, or closed its stream


@dataclass
class Watch:
    """Complaints about every page that it watches."""

    complaints: list[str] = field(default_factory=list)
    allowed: list[re.Pattern[str]] = field(default_factory=list)

    def allow(self, pattern: str) -> None:
        """Takes back complaints that the test itself causes, past and future."""
        self.allowed.append(re.compile(pattern))

    def over(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", self._exception)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    @property
    def unexpected(self) -> list[str]:
        return [one for one in self.complaints if not any(p.search(one) for p in self.allowed)]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            where = message.location.get("url", "")
            self.complaints.append(f"console {message.type}: {message.text} ({where})")

    def _exception(self, error: Error) -> None:
        self.complaints.append(f"exception: {error.message}\n{error.stack}")

    def _failed(self, request: Request) -> None:
        if request.failure != LEFT:
            self.complaints.append(f"failed: {request.method} {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500:
            self.complaints.append(f"answered {response.status}: {response.url}")
