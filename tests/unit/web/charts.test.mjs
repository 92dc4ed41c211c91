// Where points lie and how lines are smoothed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { alone, aloneByDoubleClick, toggle } from "../../../web/static/js/charts/hidden.js";
import { onLine } from "../../../web/static/js/charts/look_up.js";
import { Places } from "../../../web/static/js/charts/places.js";
import { Average, withTwins } from "../../../web/static/js/charts/smoothing.js";
import { cases, isClose } from "./support/cases.mjs";

function placesOf({ kind, scale, known }) {
  const sequences = kind === "elapsed" ? known.map(([at]) => at) : undefined;
  return new Places({ data: [], layout: { meta: { kind, scale, sequences } } });
}

for (const one of cases("places")) {
  test(`places of ${one.kind} with ${one.known.length} points lie where the server puts them`, () => {
    const places = placesOf(one);
    const xs = one.known.map(([, seconds]) => seconds / one.scale);
    for (const [sequences, place] of one.at) {
      assert.ok(isClose(places.at(sequences, xs), place), `${sequences} at ${places.at(sequences, xs)}`);
    }
    for (const [place, written] of one.written) assert.ok(isClose(places.written(place), written));
    for (const [sequences, seconds, place] of one.of) {
      assert.ok(isClose(places.of({ sequences, elapsed_seconds: seconds }), place));
    }
    for (const [sequences, isShown] of one.shows) assert.equal(places.shows({ sequences }), isShown);
  });
}

test("under a place lie the sequences that lie at it", () => {
  for (const one of cases("places")) {
    const places = placesOf(one);
    const xs = one.known.map(([, seconds]) => seconds / one.scale);
    for (const [sequences, place] of one.at) {
      if (place === null) continue;
      assert.equal(places.under(places.written(place), xs), sequences);
    }
  }
});

test("between two points a curve is the straight line that is drawn", () => {
  const at = (place) => onLine([-10, 0, 10, 20], [4, 2, 3, null], place);
  assert.deepEqual([-10, -5, 0, 5, 10, 15, 20].map(at), [4, 3, 2, 2.5, 3, null, null]);
  assert.deepEqual([-11, 21].map(at), [undefined, undefined]);
});

test("the last point at or before a place", () => {
  const places = placesOf({ kind: "elapsed", scale: 1, known: [[0, 0], [10, 1], [20, 2]] });
  assert.deepEqual([-1, 0, 9, 10, 25].map((at) => places.indexAt(at)), [-1, 0, 0, 1, 2]);
});

for (const { weight, numbers, smoothed } of cases("smoothing")) {
  test(`smoothing of ${JSON.stringify(numbers)} by ${weight} is the server's`, () => {
    const average = new Average(weight);
    const found = numbers.map((number) => average.take(number));
    assert.ok(found.every((one, index) => isClose(one, smoothed[index])), String(found));
  });
}

test("smoothed twins come after the lines, which turn faint", () => {
  const line = { x: [0, 1], y: [0, 3], name: "loss", uid: "loss-0", meta: { evaluator: 0 } };
  const { traces, averages } = withTwins([line], 0.5);
  assert.deepEqual(traces.map(({ uid }) => uid), ["loss-0", "loss-0-smoothed"]);
  assert.deepEqual(traces[1].y, [0, 2]);
  assert.ok(traces[0].opacity < 1);
  assert.ok(isClose(averages[0].take(3), 18 / 7), "it goes on where the line ended");
  assert.deepEqual(withTwins([line], 0).traces, [line]);
});

test("an average does not reach across a place where another program begins", () => {
  const line = { x: [0, 1, 2, 3], y: [1, 1, 0, 0], name: "loss", uid: "loss-0", meta: {} };
  const told = { restarts: [64], sequences: [0, 32, 64, 96] };
  const { traces, averages } = withTwins([line], 0.9, told);
  assert.ok(traces[1].y.every((one, index) => isClose(one, line.y[index])), String(traces[1].y));
  assert.equal(averages[0].take(0, 128), 0, "points that come go on after it");
});

test("a legend hides, shows alone and shows all again", () => {
  const keys = ["a", "b", "c"];
  const hidden = new Set();
  toggle(hidden, "a");
  assert.deepEqual([...hidden], ["a"]);
  toggle(hidden, "a");
  alone(hidden, "b", keys);
  assert.deepEqual([...hidden], ["a", "c"]);
  alone(hidden, "b", keys);
  assert.deepEqual([...hidden], []);
  for (const key of keys) toggle(hidden, key);
  alone(hidden, "b", keys);
  assert.deepEqual([...hidden], ["a", "c"], "what is hidden with all others is shown alone");
});

test("a double click, which is a click at first, does so as well", () => {
  const keys = [0, 1, 2];
  const hidden = new Set();
  const doubleClick = (key) => {
    toggle(hidden, key);
    aloneByDoubleClick(hidden, key, keys);
  };
  doubleClick(1);
  assert.deepEqual([...hidden], [0, 2]);
  doubleClick(1);
  assert.deepEqual([...hidden], []);
});
