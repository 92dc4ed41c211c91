"""`python -m tests.bench.pages`: what pages cost the browser, in a real Chromium with real rows.

From the click on *Launch* to the first point, first load of a run's page, bytes of script and
style, how busy fifty live curves keep the page's thread, and whether memory stays flat while a run
reports for long.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, CDPSession, Page, Playwright, sync_playwright

from app.schemas.state import RunState
from tests.bench.first_point import first_points
from tests.bench.place import Place, served
from tests.bench.report import Line, machine, report, say
from tests.bench.rows import EVERY, paper_run, study_of
from tests.bench.unwatched import load_unwatched
from tests.browser.support.chromium import NoChromiumError, ensure_chromium

POINTS, RUNS = 2000, 50
MOST_LOAD, MOST_KILOBYTES, MOST_BUSY = 600, 650, 20
MOST_GROWTH = 10  # MB in an hour: what may remain after collecting garbage
UPDATES = 4  # a second
SWITCHES = ("--no-first-run", "--disable-background-networking", "--disable-gpu")
DESKTOP = {"width": 1440, "height": 900}
WINDOW = 30  # seconds of watching fifty curves
SAMPLES, SAMPLE_EVERY = 4, 1000  # looks at memory, of which the least counts; milliseconds between
SETTLE = 20  # seconds before the first
HOUR = 3600

# Resolves once the charts are painted; milliseconds since the navigation began.
DRAWN = """
async () => {
  await window.optoscope.ready;
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now();
}
"""
# How many points a chart holds, and the last one's place.
HELD = """
() => {
  const { x } = document.querySelector(".js-plotly-plot").data[0];
  return [x.length, x.at(-1)];
}
"""
NETWORK = ("Script", "Stylesheet")


def main() -> int:
    given = _arguments()
    try:
        chromium = ensure_chromium(say)
    except NoChromiumError as error:
        say(str(error))
        return 1
    with served() as place, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=SWITCHES)
        where = machine(chromium=browser.version)
        lines = [
            *first_points(browser),
            *_first_load(place, playwright, chromium, browser, given.times),
            *_fifty_runs(place, browser),
            *_memory(place, browser, given.minutes, given.rate),
        ]
        browser.close()
    return report(lines, where, given.out)


def _first_load(
    place: Place, playwright: Playwright, chromium: Path, browser: Browser, times: int
) -> Iterator[Line]:
    """A finished run with 2,000 measurements, each time in a browser that knows nothing."""
    say(f"A page with {POINTS} measurements")
    run_id = paper_run(
        place.engine, place.outbox, POINTS, state=RunState.FINISHED, name="First load"
    )
    url = f"{place.url}/runs/{run_id}"
    took = [load_unwatched(playwright, chromium, SWITCHES, url) for _ in range(times)]
    told = f"median of {times}, slowest {max(took):.0f} ms"
    yield Line("run page, navigation to drawn", statistics.median(took), "ms", MOST_LOAD, told)
    with _page(place, browser) as (page, devtools):
        received = _count_bytes(devtools)
        _open(page, url)
    parts = ", ".join(f"{kind.lower()} {size / 1000:.0f}" for kind, size in received.items())
    size = sum(received.values()) / 1000
    yield Line("script and style, as transferred", size, "kB", MOST_KILOBYTES, parts)


def _fifty_runs(place: Place, browser: Browser) -> Iterator[Line]:
    """Fifty runs in one chart while all of them report."""
    say(f"{RUNS} runs of {POINTS} measurements")
    study_id, ids = study_of(place.engine, place.outbox, RUNS, POINTS, state=RunState.RUNNING)
    pages = {
        "study": f"/studies/{study_id}?group=each",
        "compare": f"/compare?runs={','.join(ids)}",
    }
    with _reporting(place, ids, POINTS, UPDATES):
        for name, path in pages.items():
            with _page(place, browser) as (page, devtools):
                answer = page.request.get(path)
                if not answer.ok:
                    continue
                took = _open(page, path)
                busy = _busy(page, devtools)
            told = f"first drawn after {took:.0f} ms"
            yield Line(f"{RUNS} runs live, {name}: thread busy", busy, "%", MOST_BUSY, told)


def _memory(place: Place, browser: Browser, minutes: float, rate: float) -> Iterator[Line]:
    """A run's page over a long time of reports; what is left after collecting garbage.

    The more points are drawn, the more memory they take, until the server's figure replaces them;
    growth is what is on top of that, from one report to the next.
    """
    say(f"{minutes:g} minutes of {rate:g} updates a second")
    run_id = paper_run(place.engine, place.outbox, POINTS, state=RunState.RUNNING, name="Long")
    samples: list[tuple[float, float, float]] = []
    with _page(place, browser) as (page, devtools), _reporting(place, [run_id], POINTS, rate):
        _open(page, f"/runs/{run_id}")
        page.wait_for_timeout(1000 * SETTLE)
        before, begun = _spent(devtools), time.monotonic()
        while time.monotonic() < begun + 60 * minutes:
            samples.append(min(_memory_samples(page, devtools), key=lambda sample: sample[2]))
        busy = 100 * (_spent(devtools) - before) / (time.monotonic() - begun)
        nodes = _metrics(devtools)["Nodes"]
    growth = _growth(samples) * HOUR * UPDATES
    reports, sizes = samples[-1][0] - samples[0][0], [sample[2] for sample in samples]
    told = f"{min(sizes):.1f} to {max(sizes):.1f} MB in {reports:.0f} updates, {nodes:.0f} nodes"
    yield Line("memory of a run page, growth in an hour", growth, "MB", MOST_GROWTH, told)
    yield Line("run page live: thread busy", busy, "%", None, f"{rate:g} updates a second")


def _memory_samples(page: Page, devtools: CDPSession) -> Iterator[tuple[float, float, float]]:
    """Reports so far, points that are drawn, and megabytes in use; some while it redraws."""
    for _ in range(SAMPLES):
        page.wait_for_timeout(SAMPLE_EVERY)
        devtools.send("HeapProfiler.collectGarbage")
        used = devtools.send("Runtime.getHeapUsage")["usedSize"]
        points, last = page.evaluate(HELD)
        yield last / EVERY, points, used / 1e6


def _growth(samples: Sequence[tuple[float, float, float]]) -> float:
    """Megabytes a report that are not explained by how many points are drawn.

    From where the server's figure first replaced the points, if that was seen: until then a page
    still comes to hold what it needs once.
    """
    held = [sample[1] for sample in samples]
    replaced = [i for i in range(1, len(held)) if held[i] < held[i - 1]]
    reports, points, sizes = np.array(samples[replaced[0] if len(replaced) > 1 else 0 :]).T
    known = np.stack([reports, points, np.ones(len(sizes))], axis=1)
    return float(np.linalg.lstsq(known, sizes)[0][0])


@contextmanager
def _page(place: Place, browser: Browser) -> Iterator[tuple[Page, CDPSession]]:
    """A page in a fresh profile, and its developer tools."""
    context = browser.new_context(base_url=place.url, viewport=DESKTOP)
    page = context.new_page()
    page.on("pageerror", lambda error: say(f"On the page: {error.message}"))
    devtools = context.new_cdp_session(page)
    devtools.send("Performance.enable")
    try:
        yield page, devtools
    finally:
        context.close()


def _open(page: Page, path: str) -> float:
    """Milliseconds from the start of the navigation until the charts are painted."""
    page.goto(path, wait_until="commit")
    page.wait_for_function("() => window.optoscope?.ready")
    return float(page.evaluate(DRAWN))


def _count_bytes(devtools: CDPSession) -> dict[str, float]:
    """Bytes of every kind of file, as they came over the network; filled in as they come."""
    kinds: dict[str, str] = {}
    received = dict.fromkeys(NETWORK, 0.0)

    def answered(event: dict[str, Any]) -> None:
        kinds[event["requestId"]] = event["type"]

    def ended(event: dict[str, Any]) -> None:
        if (kind := kinds.get(event["requestId"])) in received:
            received[kind] += event["encodedDataLength"]

    devtools.on("Network.responseReceived", answered)
    devtools.on("Network.loadingFinished", ended)
    devtools.send("Network.enable")
    return received


def _busy(page: Page, devtools: CDPSession) -> float:
    """Share of the time that the page's thread works, in percent."""
    page.wait_for_timeout(3000)  # what comes with the page is done
    before, begun = _spent(devtools), time.monotonic()
    page.wait_for_timeout(1000 * WINDOW)
    return 100 * (_spent(devtools) - before) / (time.monotonic() - begun)


def _spent(devtools: CDPSession) -> float:
    """Seconds of processor time that the page's thread has taken so far."""
    return _metrics(devtools)["ThreadTime"]


def _metrics(devtools: CDPSession) -> dict[str, float]:
    found = devtools.send("Performance.getMetrics")["metrics"]
    return {one["name"]: one["value"] for one in found}


@contextmanager
def _reporting(place: Place, runs: Sequence[str], start: int, rate: float) -> Iterator[None]:
    """A process that writes measurements of all these runs until the block ends."""
    command = [sys.executable, "-m", "tests.bench.writer", *runs]
    command += ["--start", str(start), "--rate", str(rate)]
    process = subprocess.Popen(command, env=place.environment)
    try:
        yield
        if process.poll() is not None:
            raise RuntimeError("what wrote the measurements has ended by itself")
    finally:
        process.terminate()
        process.wait()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pages", description=__doc__)
    parser.add_argument("--times", type=int, default=5, help="first loads")
    parser.add_argument("--minutes", type=float, default=3, help="of looking at memory")
    parser.add_argument("--rate", type=float, default=32, help="updates a second meanwhile")
    parser.add_argument("--out", type=Path, help="write JSON here as well")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
