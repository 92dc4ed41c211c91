// What a query can go on with at a place.

import assert from "node:assert/strict";
import { test } from "node:test";

import { completions } from "../../../web/static/js/runs/completions.js";

const TEXT = [":", "=", "!=", "~"];
const FIELDS = [
  { name: "state", title: "State", unit: "", kind: "text", is_measured: false, operators: TEXT, values: ["finished", "failed"] },
  { name: "tag", title: "Tag", unit: "", kind: "text", is_measured: false, operators: TEXT, values: ["fig 5", 'a "b"', "seeds"] },
  { name: "train_loss", title: "Train loss", unit: "nats", kind: "number", is_measured: false, operators: ["<"], values: [] },
  { name: "loss.train", title: "Loss, train", unit: "nats", kind: "number", is_measured: true, operators: ["<"], values: [] },
  { name: "created", title: "Created", unit: "", kind: "time", is_measured: false, operators: ["<"], values: [] },
];

/** The query as it would go on with each of them. */
function goneOn(before) {
  return completions(before, FIELDS).map(
    ({ text, after, length }) => before.slice(0, before.length - length) + text + after,
  );
}

for (const [before, found] of Object.entries({
  "": [],
  "sta": ["state:"],
  "STA": ["state:"],
  "seed (cr": ["seed (created > "],
  "los": ["train_loss < ", "loss.train < "],
  "min(los": ["min(loss.train)"],
  "xmin": [],
  "state:": ["state:finished", "state:failed"],
  "state:fin": ["state:finished"],
  "state:finished": [],
  "state:failed, fi": ["state:failed, finished"],
  "state = fa": ["state = failed "],
  "tag:fig": ['tag:"fig 5"'],
  "tag:5": ['tag:"fig 5"'],
  "tag:a": ['tag:"a \\"b\\""'],
  'name~"sta': [],
  '"two sta': [],
  'name~"seed" sta': ['name~"seed" state:'],
  "nothing:": [],
  "loss.train < ": [],
  " ": [],
  "n": ["not "],
  "(N": ["(not "],
  "(": ["(not "],
  "seed ": ["seed and ", "seed or ", "seed not "],
  "state:finished ": ["state:finished and ", "state:finished or ", "state:finished not "],
  "state:finished o": ["state:finished or "],
  "state:finished or": [],
  "state:finished a": ["state:finished and "],
  "state:finished OR n": ["state:finished OR not "],
  "state:finished and ": ["state:finished and not "],
  "state:failed, ": ["state:failed, finished", "state:failed, failed"],
  "train_loss < .1 a": ["train_loss < .1 and "],
  "train_loss ": [],
  "train_loss <": [],
  "(seed) o": ["(seed) or "],
  'name~"not this" o': ['name~"not this" or '],
  'name~"not thi': [],
  "min(o": [],
  "at(loss.train, n": [],
  "at(loss.train, 50k) < .1 o": ["at(loss.train, 50k) < .1 or "],
  "constructor ": ["constructor and ", "constructor or ", "constructor not "],
})) {
  test(`"${before}" goes on with ${found.length}`, () => assert.deepEqual(goneOn(before), found));
}
