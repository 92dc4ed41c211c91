"""How long a point takes from the model to the screen."""

from datetime import datetime

from playwright.sync_api import expect

from tests.browser.support.charts import CHARTS
from tests.browser.support.program import ENDLESS

POINTS = 50
MOST_MILLISECONDS = 500

# After every redraw, when its frame has been painted, notes the time for each point that all three
# charts now have.
NOTE_DRAWN = """
charts => {
  const elements = charts.map(chart => document.getElementById(chart));
  const drawnAt = new Map();
  const note = () => requestAnimationFrame(() => setTimeout(() => {
    const lengths = elements.map(({data}) => data[0].x.length);
    const xs = elements[0].data[0].x.slice(0, Math.min(...lengths));
    for (const x of xs) if (!drawnAt.has(x)) drawnAt.set(x, Date.now());
  }));
  for (const element of elements) element.on("plotly_afterplot", note);
  window.drawnAt = drawnAt;
  window.notedSince = Date.now();
}
"""
DRAWN_LIVE = "() => window.drawnAt.size"


def test_a_point_is_on_the_screen_within_half_a_second_of_being_computed(
    page, program, record_property
):
    run_id = program.launch({**ENDLESS, "model": {}}, "Timed")  # the paper's: 36 lines to draw
    page.goto(f"/runs/{run_id}")
    page.wait_for_function("() => window.optoscope")
    page.evaluate("() => window.optoscope.ready")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.evaluate(NOTE_DRAWN, CHARTS)

    page.wait_for_function("count => window.drawnAt.size >= count", arg=POINTS)
    drawn = dict(page.evaluate("() => [...window.drawnAt]"))
    since = page.evaluate("() => window.notedSince")

    recorded = program.series(run_id)
    moments = map(milliseconds, recorded["computed_at"])
    computed = dict(zip(recorded["sequences"], moments, strict=True))
    delays = sorted(drawn[x] - at for x, at in computed.items() if x in drawn and at > since)
    assert len(delays) >= POINTS - 10
    median, p95 = delays[len(delays) // 2], delays[int(0.95 * len(delays))]
    told = f"{len(delays)} points, median {median:.0f} ms, p95 {p95:.0f} ms"
    record_property("from computed to drawn", told)
    assert delays[0] > 0, "clocks that can be compared"
    assert p95 <= MOST_MILLISECONDS, delays


def milliseconds(moment: str) -> float:
    return 1000 * datetime.fromisoformat(moment).timestamp()
