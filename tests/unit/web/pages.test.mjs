// What pages do by themselves: asking again, and the place that an address names.

import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { poll } from "../../../web/static/js/common/poll.js";
import { keepInAddress } from "../../../web/static/js/run/permalink.js";

test("a page asks at the pace that it is told, while somebody looks", () => {
  globalThis.document = Object.assign(new EventTarget(), { hidden: false });
  globalThis.window = { htmx: {} };
  mock.timers.enable({ apis: ["setTimeout"] });
  let [pace, asked] = [2, 0];
  poll(() => pace, () => { asked += 1; });
  mock.timers.tick(2000);
  assert.equal(asked, 1);
  document.hidden = true;
  mock.timers.tick(2000);
  assert.equal(asked, 1);
  document.hidden = false;
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(asked, 2, "who comes back sees what is new at once");
  pace = 0;
  mock.timers.tick(2000); // the one that was on its way
  mock.timers.tick(60_000);
  document.dispatchEvent(new Event("visibilitychange"));
  assert.equal(asked, 3, "nothing changes any more");
  mock.timers.reset();
});

/** Attention and circuit as an address finds them. */
function shown() {
  const did = [];
  const say = (name) => (...given) => did.push([name, ...given]);
  const attention = Object.assign(new EventTarget(), {
    select: say("select"), turnTo: say("turnTo"), layer: 1, head: 0, sequence: 2,
    frames: { start: say("start"), goTo: say("goTo"), following: false, target: 640 },
    difference: { choose: say("minus"), from: "first" },
  });
  const circuit = Object.assign(new EventTarget(), { choose: say("choose"), reading: "q", over: "chance" });
  return { attention, circuit, did };
}

test("an address is read as it was written", () => {
  globalThis.addEventListener = () => {};
  globalThis.location = { hash: "" };
  globalThis.history = { replaceState: (_state, _title, view) => { location.hash = view; } };
  mock.timers.enable({ apis: ["setTimeout"] });
  const writer = shown();
  keepInAddress(writer.attention, writer.circuit);
  writer.circuit.dispatchEvent(new Event("moved"));
  mock.timers.tick(1000);
  mock.timers.reset();
  assert.equal(location.hash, "#L1H0.probe3.at640.minus-first.by-q.over-chance");
  const { attention, circuit, did } = shown();
  keepInAddress(attention, circuit);
  assert.deepEqual(did, [
    ["select", 1, 0], ["turnTo", 2], ["minus", "first"], ["choose", "q", "chance"], ["start"], ["goTo", 640],
  ]);
});
