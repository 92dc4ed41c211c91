// Marks of a run's charts, drawn again when the run has new ones.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Feed } from "../../../web/static/js/run/feed.js";

/** As much of a page as scripts want that are imported along. */
function anEmptyPage() {
  globalThis.window = globalThis;
  globalThis.addEventListener = () => {};
  globalThis.reportError = (error) => { throw error; };
  globalThis.matchMedia = () => new EventTarget();
  globalThis.document = Object.assign(new EventTarget(), {
    documentElement: { dataset: {} },
    getElementById: () => ({ setAttribute: () => {} }),
    querySelectorAll: () => [],
  });
}

test("marks wait their turn, as figures that are replaced do", async () => {
  anEmptyPage();
  const { RunCharts } = await import("../../../web/static/js/run/charts.js");
  const did = [];
  const feed = new Feed(() => {});
  const charts = { metric: { isOf: () => true, adopt: async (layout) => did.push(layout) } };
  const figure = async () => ({ layout: "marks" });
  const told = () => did.push("told");
  let replace;
  const asked = new Promise((resolve) => { replace = resolve; });
  const replaced = feed.alone(() => asked.then(() => did.push("figure")));
  const marked = RunCharts.prototype.renew.call({ feed, charts, figure, told });
  await new Promise((resolve) => { setImmediate(resolve); });
  replace();
  await Promise.all([replaced, marked]);
  assert.deepEqual(did, ["figure", "marks", "told"]);
});
