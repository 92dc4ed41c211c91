// Numbers as the server says them: the table that tests/unit/web/test_twins.py reads, too.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as format from "../../../web/static/js/common/format.js";
import { cases } from "./support/cases.mjs";

for (const [name, table] of Object.entries(cases("wording"))) {
  test(`${name} says numbers as the server does`, () => {
    assert.deepEqual(table.map(([number]) => [number, format[name](number)]), table);
  });
}

test("what is no number is a dash", () => {
  assert.equal(format.fixed(NaN), "–");
  assert.equal(format.nats(NaN), "–");
});

test("the time of day is that of UTC", () => {
  assert.equal(format.clock(Date.parse("2026-01-02T03:04:05+02:00")), "01:04:05 UTC");
});
