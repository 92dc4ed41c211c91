// Programs as data: sites, and clamps that are put on heads and taken off.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  added, covers, meet, readSite, removed, toneOf, without, writeSite,
} from "../../../web/static/js/launch/clamps.js";

const SHAPE = { layers: [0, 1], heads: [0, 1, 2, 3] };
const ABLATE = {
  id: "ablate", fixed: { kind: "ablate" }, picks: "any", phase: 2, fills: true,
  head_points: ["pattern", "v"], light: "silenced",
};
const SCALE = {
  id: "scale", fixed: { kind: "scale" }, picks: "any", phase: 1, fills: true,
  head_points: ["pattern", "v"], light: "driven",
};
const CATALOGUE = [ABLATE, SCALE];
const clamp = (site, kind = "ablate", more = {}) => ({ kind, site, ...more });

for (const text of ["L0H1.pattern", "L1H0,2.v", "L*.pattern", "L1.k[labels]", "embedding", "L*H3.v[query]"]) {
  test(`the site ${text} is written as it was read`, () => {
    assert.equal(writeSite(readSite(text)), text);
  });
}

test("all heads are no heads in particular, and what is no site is none", () => {
  assert.equal(writeSite(readSite("L1H*.v")), "L1.v");
  assert.equal(writeSite(readSite("L1H2,0.v")), "L1H0,2.v");
  for (const text of ["", "L1", "H1.v", "L1H.v", "L1.V", null, undefined]) assert.equal(readSite(text), null);
});

test("a site covers heads of its layers", () => {
  assert.ok(covers(readSite("L*.v"), 1, 3));
  assert.ok(covers(readSite("L0H1.v"), 0, 1));
  assert.ok(!covers(readSite("L0H1.v"), 1, 1));
  assert.ok(!covers(readSite("L0H1.v"), 0, null), "a head is no layer");
  assert.ok(!covers(readSite("embedding"), 0, 0));
});

test("clamps meet when their windows do", () => {
  assert.ok(meet({}, {}));
  assert.ok(!meet({ until_sequences: 100 }, { from_sequences: 100 }));
  assert.ok(meet({ until_sequences: 101 }, { from_sequences: 100 }));
});

test("heads of one layer under equal lights share a clamp", () => {
  const { program, index } = added([clamp("L0H1.v")], clamp("L0H3.v"), CATALOGUE, SHAPE);
  assert.deepEqual([program, index], [[clamp("L0H1,3.v")], 0]);
  const full = added([clamp("L0H0,1,2.v")], clamp("L0H3.v"), CATALOGUE, SHAPE);
  assert.deepEqual(full.program, [clamp("L0.v")]);
});

test("what stands in the way gives way, what is on at another time stays", () => {
  const whole = added([clamp("L0.v")], clamp("L0H1.v"), CATALOGUE, SHAPE);
  assert.deepEqual(whole.program, [clamp("L0.v")], "cut to three heads and joined again");
  const early = clamp("L0H1.v", "ablate", { until_sequences: 100 });
  const late = clamp("L0H1.v", "ablate", { from_sequences: 100 });
  assert.deepEqual(added([early], late, CATALOGUE, SHAPE).program, [early, late]);
  const scaled = clamp("L0H1.v", "scale", { factor: 2 });
  assert.deepEqual(added([scaled], clamp("L0H1.v"), CATALOGUE, SHAPE).program, [scaled, clamp("L0H1.v")]);
});

test("a head that is taken off leaves the others", () => {
  assert.deepEqual(without(clamp("L0.v"), 0, 2, SHAPE), [clamp("L0H0,1,3.v")]);
  assert.deepEqual(without(clamp("L*.v"), 0, 2, SHAPE), [clamp("L1.v"), clamp("L0H0,1,3.v")]);
  assert.deepEqual(without(clamp("L0H2.v"), 0, 2, SHAPE), []);
  assert.deepEqual(without(clamp("L1.v"), 0, 2, SHAPE), [clamp("L1.v")]);
  const program = [clamp("L0.v"), clamp("L0.v", "scale")];
  const left = removed(program, readSite("L0.v"), SHAPE, ({ kind }) => kind === "scale");
  assert.deepEqual(left, [clamp("L0.v")]);
});

test("a head has the colour of the light that is meant for the fewest", () => {
  const program = [clamp("L*.v", "scale"), clamp("L0H1.v")];
  const tone = (layer, head) => toneOf(program, layer, head, CATALOGUE, SHAPE);
  assert.deepEqual([tone(0, 1), tone(0, 0), toneOf([], 0, 0, CATALOGUE, SHAPE)], ["silenced", "driven", "none"]);
});
