"""From the click on *Launch* until the first point is painted, in a real Chromium, by real workers.

Once with nothing compiled on the machine, and then with what that left: the default run.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser

from tests.bench.report import Line, say
from tests.browser.support.program import Program, running

MOST_NEW, MOST_KNOWN = 5.0, 2.0  # seconds
FIND_THE_BUTTON = 15  # seconds that a person takes at least, in which workers have loaded torch
TIMES = 5
# Resolves once a chart that holds a point is painted.
PAINTED = """
async () => {
  const holds = () => document.querySelector(".js-plotly-plot")?.data?.[0]?.x?.length > 0;
  const frame = () => new Promise(done => requestAnimationFrame(done));
  while (!holds()) await frame();
  await frame();
  await frame();
}
"""


def first_points(browser: Browser) -> Iterator[Line]:
    """Both, with the workers' processes started and idle."""
    say("Launching runs")
    with tempfile.TemporaryDirectory(prefix="optoscope-bench-") as folder:
        Path(folder).chmod(0o755)  # Postgres, started by root, runs as a user of its own
        with running(Path(folder), compile=True) as program:
            time.sleep(FIND_THE_BUTTON)
            took = _seconds(program, browser)
            yield Line("click to first point, nothing compiled", took, "s", MOST_NEW)
            known = [_seconds(program, browser) for _ in range(TIMES)]
            told = f"median of {TIMES}, slowest {max(known):.1f} s"
            median = statistics.median(known)
            yield Line("click to first point, compiled", median, "s", MOST_KNOWN, told)


def _seconds(program: Program, browser: Browser) -> float:
    """Of the default run, which trains on until its program is there."""
    page = browser.new_page(base_url=program.url)
    page.goto("/runs/new")
    page.wait_for_load_state("networkidle")
    clicked = time.monotonic()
    page.get_by_role("button", name="Launch").click()
    page.wait_for_url(lambda url: not url.endswith("/new"), wait_until="commit")
    page.evaluate(PAINTED)
    took = time.monotonic() - clicked
    run_id = page.url.rpartition("/")[2].partition("?")[0]
    program.until(lambda: program.run(run_id)["sequences"] > 0, "trained sequence", 300)
    program.cancel_all()
    program.finished(run_id)
    page.close()
    return took
