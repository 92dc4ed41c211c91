"""What the charts of a run's page hold, to be compared with what the API says."""

from typing import Any

import pytest
from playwright.sync_api import Page

EVALUATORS = ("train", "new_label_pairs", "new_exemplars", "new_classes")
CHARTS = ("loss-chart", "previous-token-chart", "induction-chart")
ROUNDED = 0.51e-6  # figures that come with the page have six digits

TRACES = """
charts => charts.flatMap(chart => document.getElementById(chart).data.map(
  ({meta, x, y}) => ({meta, x: Array.from(x), y: Array.from(y)})))
"""
COUNT = "() => document.getElementById('loss-chart').data?.[0].x.length ?? 0"


def points(page: Page) -> int:
    """How many points are drawn."""
    return int(page.evaluate(COUNT))


def came_with(page: Page) -> int:
    """How many points the page brought along; all others came live."""
    page.wait_for_function("() => window.optoscope")
    data = page.locator("#page-data").evaluate("element => JSON.parse(element.textContent)")
    return int(data["points"])


def await_points(page: Page, count: int) -> int:
    """Returns how many there are, once there are as many in every chart."""
    page.wait_for_function(
        "([charts, count]) => charts.every("
        "chart => document.getElementById(chart).data?.[0].x.length >= count)",
        arg=[CHARTS, count],
    )
    return points(page)


def drawn(page: Page) -> dict[str, tuple[list[int], list[Any]]]:
    """x and y of every trace of every chart, by the name of its series."""
    traces = page.evaluate(TRACES, CHARTS)
    found = {_series(trace["meta"]): (trace["x"], trace["y"]) for trace in traces}
    assert len(found) == len(traces)
    return found


def _series(meta: dict[str, Any]) -> str:
    if "evaluator" in meta:
        return f"{meta['metric']}.{EVALUATORS[meta['evaluator']]}"
    return f"{meta['metric']}.L{meta['layer']}H{meta['head']}"


def assert_drawn(page: Page, recorded: dict[str, list[Any]], *, from_page: int = 0) -> None:
    """Every point once, in every chart; numbers are exact but for those that came with the page.

    `from_page`: how many did, see `came_with`.
    """
    await_points(page, len(recorded["sequences"]))
    charts = drawn(page)
    shown = {name for name in recorded if name.startswith(("loss.", "previous", "induction"))}
    assert set(charts) == shown
    for name, (x, y) in charts.items():
        assert x == recorded["sequences"], name
        assert y[from_page:] == recorded[name][from_page:], name
        assert y[:from_page] == pytest.approx(recorded[name][:from_page], abs=ROUNDED), name
