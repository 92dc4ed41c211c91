// What a run's page keeps: its view, its frames, points on their way, scores, its address.

import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { Scores } from "../../../web/static/js/run/compositions.js";
import { minus } from "../../../web/static/js/run/difference.js";
import { Feed } from "../../../web/static/js/run/feed.js";
import { inForce } from "../../../web/static/js/run/in_force.js";
import { nextStop } from "../../../web/static/js/run/pace.js";
import { FrameStore } from "../../../web/static/js/run/frame_store.js";
import { errorText, largestError } from "../../../web/static/js/run/standard_error.js";
import { View } from "../../../web/static/js/run/view.js";
import { numberAt } from "../../../web/static/js/compare/live.js";

beforeEach(() => {
  globalThis.location = new URL("http://here/runs/a?x=log&other=1");
  globalThis.history = {
    state: null,
    replaceState: (_state, _title, address) => {
      globalThis.location = new URL(address, globalThis.location);
    },
  };
});

test("a view says what changed, and the address holds what is not as usual", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const view = new View({ x: "log", smooth: 0, last: null }, { x: "sequences", smooth: 0, last: null });
  const said = [];
  view.addEventListener("change", ({ detail }) => said.push([...detail]));
  view.set({ x: "log" });
  view.set({ x: "sequences", smooth: 0.5, last: 128 });
  mock.timers.tick(1000);
  mock.timers.reset();
  assert.deepEqual(said, [["x", "smooth", "last"]]);
  assert.equal(location.search, "?other=1&smooth=0.5&last=128");
});

/** A server of frames: each was taken at a multiple of 10. */
function serve() {
  const asked = [];
  globalThis.fetch = async (url) => {
    const at = Number(new URL(url, "http://here").searchParams.get("sequences"));
    asked.push(at);
    return { ok: at >= 0, json: async () => ({ sequences: at - (at % 10) }) };
  };
  return asked;
}

test("a frame is fetched once, and the nearest of those that came is found", async () => {
  const asked = serve();
  const store = new FrameStore("/frames");
  const [one, other] = await Promise.all([store.load(10), store.load(10)]);
  assert.equal(one, other);
  await store.load(10);
  await store.load(40);
  assert.deepEqual(asked, [10, 40]);
  assert.equal(store.nearest(22).sequences, 10);
  assert.equal(store.nearest(30).sequences, 40);
  assert.deepEqual([store.peek(10).sequences, store.peek(20)], [10, null]);
});

test("a frame that is not there is asked for again at the next wish", async () => {
  const asked = serve();
  const store = new FrameStore("/frames");
  assert.equal(await store.load(-1), null);
  assert.equal(await store.load(-1), null);
  assert.deepEqual(asked, [-1, -1]);
});

test("frames are fetched ahead once, from the first to the last", async () => {
  const asked = serve();
  const store = new FrameStore("/frames");
  await store.warm(Array.from({ length: 100 }, (_, index) => index * 10));
  await store.warm([5]);
  assert.deepEqual([asked.length, asked[0], asked.at(-1)], [24, 0, 990]);
});

test("points that come while another is drawn go in one draw, after what was asked for before", async () => {
  globalThis.requestAnimationFrame = (act) => act();
  globalThis.reportError ??= (error) => console.error(error);
  const drawn = [];
  let ready;
  const done = new Promise((resolve) => { ready = resolve; });
  const feed = new Feed(async (batch) => {
    drawn.push(batch);
    ready();
  });
  feed.alone(async () => drawn.push("figure"));
  feed.receive([1, 2]);
  feed.receive([3]);
  await done;
  assert.deepEqual(drawn, ["figure", [1, 2, 3]]);
});

/** Scores `[layer][head][earlier layer][earlier head]` of two layers of one head. */
const scored = (score) => [[[]], [[[score]]]];
const frame = (score) => ({ composition: { chance: 0.1, q: scored(score), k: scored(score), v: scored(null) } });

test("composition is counted from chance, or from the first frame once that is here", async () => {
  const store = { load: async () => frame(0.2) };
  const scores = new Scores({ store, sequences: [0] });
  const lines = scores.of(frame(0.3), "k", "chance");
  assert.deepEqual([lines.lines[0].key, lines.full], ["0.0-1.0", 0.2]);
  assert.ok(Math.abs(lines.lines[0].excess - 0.2) < 1e-9);
  assert.deepEqual(scores.of(frame(0.3), "v", "chance").lines, [], "what is no number is no line");
  const came = new Promise((resolve) => { scores.addEventListener("came", resolve); });
  assert.deepEqual(scores.of(frame(0.3), "k", "start").lines, []);
  await came;
  assert.ok(Math.abs(scores.of(frame(0.3), "k", "start").lines[0].excess - 0.1) < 1e-9);
  assert.equal(scores.first("0.0", "1.0", "k"), 0.2);
});

test("a frame without scores says so", () => {
  const scores = new Scores({ sequences: [0] });
  assert.match(scores.of({ composition: null }, "k", "start").note, /before composition/);
  const single = { composition: { chance: 0, k: [[[]]] } };
  assert.match(scores.of(single, "k", "start").note, /single layer/);
});

test("a difference has no number where one is missing", () => {
  assert.deepEqual(minus([[1, null], [0.5, 0.25]], [[0.25, 1], [null, 0.25]]), [[0.75, null], [null, 0]]);
});

test("a curve picks its number: an evaluator, a head, or the strongest head", () => {
  const measurement = { loss: [1, 2], induction_strength: [[0.1, null], [0.3, 0.2]] };
  const at = (place) => numberAt(measurement, place);
  assert.equal(at({ metric: "loss", evaluator: 1 }), 2);
  assert.equal(at({ metric: "induction_strength", layer: 1, head: 1 }), 0.2);
  assert.equal(at({ metric: "induction_strength", layer: 0 }), 0.1);
  assert.equal(at({ metric: "induction_strength" }), 0.3);
  assert.equal(at({ metric: "induction_strength", layer: 5 }), null);
});

test("a standard error is said where the mean alone tells it, or how large it is at most", () => {
  const isAbout = (found, expected) => assert.ok(Math.abs(found - expected) < 1e-12, `${found}`);
  isAbout(largestError(0.9, 0, 1000), Math.sqrt(0.9 * 0.1 / 1000)); // p (1 - p) / n
  const halves = Array.from({ length: 1000 }, (_, index) => (index % 4 ? 1 : -1)); // at both ends
  const mean = halves.reduce((sum, one) => sum + one) / 1000;
  const variance = halves.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 1000;
  isAbout(largestError(mean, -1, 1000), Math.sqrt(variance / 1000));
  assert.equal(largestError(1 + 1e-9, 0, 1000), 0); // rounded beyond its range

  assert.equal(errorText("accuracy", 0.9, 1000), "standard error 0.009, 1,000 sequences");
  assert.equal(errorText("induction_strength", 0.5, 1000), "standard error at most 0.027, 1,000 sequences");
  assert.equal(errorText("correct_probability", 0.5, 100), "standard error at most 0.050, 100 sequences");
  assert.equal(errorText("loss", 0.5, 1000), "");
  assert.equal(errorText("accuracy", NaN, 1000), "");
  assert.equal(errorText("accuracy", 1, 1000), "");
  assert.equal(errorText(undefined, 0.5, 1000), "");
});

/** Where playing stops: [sequences, milliseconds until]. */
function played(sequences, change, isCalm) {
  const stops = [];
  for (let next = nextStop(sequences, 0, change, isCalm); next; next = nextStop(sequences, next.index, change, isCalm)) {
    stops.push([sequences[next.index], next.wait]);
  }
  return stops;
}

const many = Array.from({ length: 1001 }, (_, index) => index * 1000);
const fell = { onset: 200_500, midpoint: 210_000, end: 220_500 };
const never = { onset: null, midpoint: null, end: null };

test("playing shows every frame of the phase change slowly, and hurries elsewhere", () => {
  const stops = played(many, fell, false);
  const inside = stops.filter(([at]) => at >= 200_000 && at <= 221_000);
  assert.deepEqual(inside.map(([at]) => at), many.slice(200, 222));
  assert.ok(inside.every(([, wait]) => wait === 160));
  const outside = stops.filter(([at]) => at < 200_000 || at > 221_000);
  assert.ok(outside.every(([, wait]) => wait === 60));
  assert.ok(outside.length > 60 && outside.length < 90);
  assert.equal(stops.at(-1)[0], 1_000_000);
});

test("playing ends at the last frame, whatever is known of the phase change", () => {
  assert.equal(nextStop(many, 1000, fell, false), null);
  assert.equal(nextStop([], -1, never, false), null);
  for (const change of [never, { ...fell, end: null }, { onset: 0, midpoint: 0, end: 1e9 }]) {
    const stops = played(many, change, false);
    assert.equal(stops.at(-1)[0], 1_000_000);
    assert.ok(stops.length <= 140);
  }
  assert.deepEqual(played([0, 10, 20], never, false).map(([at]) => at), [10, 20]);
});

test("for whoever asks for less motion it goes from one thing to look at to the next", () => {
  const change = played(many, fell, true);
  assert.deepEqual(change.map(([at]) => at), [200_000, 210_000, 220_000, 1_000_000]);
  assert.ok(change.every(([, wait]) => wait === 1500));
  assert.deepEqual(played(many, never, true).map(([at]) => at), [250_000, 500_000, 750_000, 1_000_000]);
});

test("what holds at a place is what came last before it", () => {
  assert.equal(inForce([10, 30, 20], 25), 2);
  assert.equal(inForce([10, 30, 20], 30), 1);
  assert.equal(inForce([30, 10, 10], 10), 2);
  assert.equal(inForce([10, 30], 9), -1);
  assert.equal(inForce([], 9), -1);
});
