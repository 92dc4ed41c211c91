// Tables of cases that Python's tests read, too.

import { readFileSync } from "node:fs";

const FOLDER = new URL("../../../cases/", import.meta.url);

export function cases(name) {
  return JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8"));
}

/** Whether two numbers are equal up to rounding; null is equal to null alone. */
export function isClose(one, other) {
  if (one === null || other === null) return one === other;
  return Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(other));
}
