"""Everything that a run's page says, read or heard, to be compared with what another one does."""

from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.support.charts import ROUNDED

# Of every element that is rendered: its own text, and the attributes that are read, heard, drawn or
# followed. Styles and classes are how, not what; ids and hx-* are the scripts' own.
WORDS = """
(leftOut) => {
  const OURS = /^(style|class|id|for|hx-.*|data-state|data-fetched)$/;
  const lines = [];
  const nameOf = (element) => {
    const steps = [];
    for (let at = element; at && !steps.at(0)?.startsWith("#"); at = at.parentElement) {
      steps.unshift(at.id ? `#${at.id}` : at.tagName.toLowerCase());
    }
    return steps.join(" ");
  };
  const visit = (element) => {
    if (element.matches(`script, .main-svg, ${leftOut}`)) return;
    const isHeading = element.parentElement === document.documentElement;
    if (!isHeading && !element.checkVisibility()) return;
    const name = nameOf(element);
    const own = [...element.childNodes].filter(({ nodeType }) => nodeType === Node.TEXT_NODE);
    const text = own.map(({ data }) => data).join(" ").replace(/\\s+/g, " ").trim();
    if (text) lines.push(`${name}: ${text}`);
    for (const { name: attribute, value } of element.attributes) {
      if (!OURS.test(attribute)) lines.push(`${name} ${attribute}=${value}`);
    }
    if (element.matches("input, select, textarea")) lines.push(`${name} holds ${element.value}`);
    if (element.matches("canvas")) lines.push(`${name} shows ${element.toDataURL()}`);
    for (const child of element.children) visit(child);
  };
  visit(document.body);
  return [document.title, ...lines.sort()];
}
"""
CHARTS = """
() => [...document.querySelectorAll(".chart")].map((chart) => {
  const { data, layout, _fullLayout: full } = chart;
  const plain = (value) => JSON.parse(JSON.stringify(value, (name, one) =>
    ArrayBuffer.isView(one) ? [...one] : one));
  return plain({
    name: chart.id,
    lines: Object.fromEntries(data.map(({ uid, x, y, z, visible }) =>
      [uid, { x, y: y ?? [], z: z ?? [], visible: visible ?? true }])),
    marks: [layout.shapes, layout.annotations],
    axes: [full.xaxis.range, full.yaxis.range, full.xaxis.type, full.yaxis.type],
    written: [...chart.querySelectorAll("text")].map((one) => one.textContent).sort(),
  });
})
"""
ALL_OPEN = "() => document.querySelectorAll('main details').forEach((one) => { one.open = true; })"


def open_everything(page: Page) -> None:
    """Also what is folded: settings, the log, how to repeat the run."""
    page.evaluate(ALL_OPEN)


def words_of(page: Page, left_out: str) -> list[str]:
    """`left_out`: a selector of what says something of its own."""
    found: list[str] = page.evaluate(WORDS, left_out)
    return found


def charts_of(page: Page) -> list[dict[str, Any]]:
    """What its figures draw and where, chart by chart."""
    found: list[dict[str, Any]] = page.evaluate(CHARTS)
    return found


def assert_same_charts(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> None:
    """Equal but for the rounding of figures that a page brings along."""
    assert [chart["name"] for chart in one] == [chart["name"] for chart in other]
    for chart, again in zip(one, other, strict=True):
        for part in ("marks", "axes", "written"):
            assert chart[part] == again[part], chart["name"]
        assert chart["lines"].keys() == again["lines"].keys()
        for uid, line in chart["lines"].items():
            _assert_same_line(line, again["lines"][uid])


def _assert_same_line(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert one["visible"] == other["visible"]
    for axis in ("x", "y"):
        assert one[axis] == pytest.approx(other[axis], abs=ROUNDED)
    for row, again in zip(one["z"], other["z"], strict=True):
        assert row == pytest.approx(again, abs=ROUNDED)
