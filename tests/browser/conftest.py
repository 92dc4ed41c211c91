"""The real program, started once, and a fresh browser context for every test.

Fixtures that are started once end with this package: the browser's event loop would be in the way
of other tests.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.support.chromium import find_chromium
from tests.browser.support.program import FOUND, SMALL, Program, running
from tests.browser.support.watch import Watch

SWITCHES = ("--disable-gpu", "--disable-background-networking", "--no-first-run")
DESKTOP = {"width": 1440, "height": 900}
# Whoever comes for the first time is offered the tour.
SEEN = "try { localStorage.setItem('optoscope.tour', 'seen'); } catch { }"
TIMEOUT_MS = 60_000  # milliseconds: machines may be busy

Browse = Callable[..., Page]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says what tests have measured, also when they pass."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, value in report.user_properties:
            terminalreporter.write_line(f"{name}: {value}")


@pytest.fixture(scope="package")
def program() -> Iterator[Program]:
    place = Path(tempfile.mkdtemp(prefix="optoscope-"))
    place.chmod(0o755)  # Postgres, started by root, runs as a user of its own
    with running(place) as program:
        yield program
    shutil.rmtree(place)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    chromium = find_chromium()
    if chromium is None:
        missing = "There is no Chromium; `python -m tests.browser.support.chromium` gets one."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(missing)
    expect.set_options(timeout=TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def finished_run(program) -> str:
    """A small run that has ended, for tests that only look at one."""
    run_id = program.launch(SMALL, "A finished run")
    assert program.finished(run_id)["state"] == "finished", program.report()
    return run_id


@pytest.fixture(scope="package")
def windowed_run(program) -> str:
    """The same, clamped for its first half alone: its loss falls, and rises again."""
    clamp = {**FOUND, "until_sequences": SMALL["training"]["sequences"] // 2}
    run_id = program.launch({**SMALL, "program": [clamp]}, "Clamped for a while")
    assert program.finished(run_id)["state"] == "finished", program.report()
    return run_id


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def browse(browser, program, watch) -> Iterator[Browse]:
    """Opens pages, each like a browser of its own; what goes wrong in one fails the test.

    `newcomer`: it has never been here before.
    """
    contexts = []

    def browse(*, newcomer: bool = False, **options: Any) -> Page:
        context = browser.new_context(
            **{"base_url": program.url, "viewport": DESKTOP, "reduced_motion": "reduce"} | options
        )
        contexts.append(context)
        context.set_default_timeout(TIMEOUT_MS)
        if not newcomer:
            context.add_init_script(SEEN)
        page = context.new_page()
        watch.over(page)
        return page

    yield browse
    for context in contexts:
        context.close()
    program.cancel_all()
    assert not watch.unexpected, "\n".join(watch.unexpected)


@pytest.fixture
def page(browse) -> Page:
    return browse()
