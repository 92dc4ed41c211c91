"""A page's load in a Chromium that nothing is attached to.

With developer tools attached V8 collects source positions of whatever runs, which doubles the time
that a large script takes. So the page notes by itself when it was drawn, and is asked afterwards.
"""

import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Playwright

SETTLED, ALONE = 2, 4  # seconds that the browser, then the page, is left alone
STARTS = 20  # seconds that it may take to start
DRAWN = """
async () => {
  await window.optoscope.ready;
  return performance.getEntriesByName("drawn")[0].startTime;
}
"""


def load_unwatched(
    playwright: Playwright, chromium: Path, switches: Sequence[str], url: str
) -> float:
    """Milliseconds from the start of the navigation until the page's charts are painted, in a
    browser that knows nothing."""
    with _browser(chromium, switches) as tools:
        request = urllib.request.Request(f"{tools}/json/new?{url}", method="PUT")
        urllib.request.urlopen(request).close()
        time.sleep(ALONE)
        browser = playwright.chromium.connect_over_cdp(tools)
        pages = [page for context in browser.contexts for page in context.pages]
        drawn = next(page for page in pages if page.url == url).evaluate(DRAWN)
        browser.close()
        return float(drawn)


@contextmanager
def _browser(chromium: Path, switches: Sequence[str]) -> Iterator[str]:
    """A Chromium with a fresh profile; where its tools can be asked."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [str(chromium), "--headless", "--no-sandbox", "--remote-debugging-port=0"]
        command += [f"--user-data-dir={profile}", "--window-size=1440,900", *switches]
        process = subprocess.Popen([*command, "about:blank"], stderr=subprocess.DEVNULL)
        try:
            yield f"http://127.0.0.1:{_port(Path(profile))}"
        finally:
            process.terminate()
            process.wait()


def _port(profile: Path) -> str:
    """The port that it chose, as its first line says; waits until it has settled."""
    end = time.monotonic() + STARTS
    while time.monotonic() < end:
        if (told := profile / "DevToolsActivePort").exists() and (text := told.read_text()):
            time.sleep(SETTLED)
            return text.splitlines()[0]
        time.sleep(0.1)
    raise RuntimeError(f"Chromium did not start within {STARTS} seconds")
