// The legend of a comparison: a table that says every number under the cursor, hides and shows.

import { alone, aloneByDoubleClick, toggle } from "../charts/hidden.js";
import { fixed, grouped, nats, short } from "../common/format.js";

const MOST_READ = 10; // lines in the box beside the pointer

const $ = (id) => document.getElementById(id);

function rows() {
  return [...$("legend").querySelectorAll("tbody tr[data-key]")];
}

/**
 * Hiding and showing: a click on a swatch, a double click or "only" for one alone and all again.
 * @param {Set<string>} hidden keys of groups
 * @param {Function} changed
 */
export function listen(hidden, changed) {
  const keys = () => rows().map(({ dataset }) => dataset.key);
  $("chooser").parentElement.addEventListener("click", (event) => {
    const button = event.target.closest("[data-show], [data-only]");
    if (!button) return;
    const { key } = button.closest("tr").dataset;
    if ("only" in button.dataset) alone(hidden, key, keys());
    else if (event.detail === 2) aloneByDoubleClick(hidden, key, keys());
    else toggle(hidden, key);
    changed();
  });
}

/** Marks what is hidden. */
export function mark(hidden) {
  for (const row of rows()) {
    const isHidden = hidden.has(row.dataset.key);
    row.classList.toggle("is-hidden", isHidden);
    row.querySelector("[data-show]").setAttribute("aria-pressed", String(!isHidden));
  }
}

/** The server's table in place of the old one; whoever used a button there goes on doing so. */
export function replace(table) {
  const focused = document.activeElement?.id;
  const { scrollTop } = $("legend");
  $("legend").replaceWith(table);
  table.scrollTop = scrollTop;
  if (focused?.startsWith("show-") || focused?.startsWith("only-")) $(focused)?.focus();
}

/** Says where the curves have got to, as points are added to them. */
export function sayLast(curves, isLoss) {
  for (const row of rows()) {
    const curve = curves.get(Number(row.dataset.number));
    if (!curve?.x.length) continue;
    const number = curve.y.at(-1) ?? null;
    row.querySelector("[data-last]").textContent = number === null ? "–" : said(isLoss)(number);
    row.querySelector("[data-at]").textContent = short(curve.x.at(-1));
  }
}

function said(isLoss) {
  return isLoss ? nats : fixed;
}

/**
 * Says the numbers at the cursor, the largest first; null: none, and the table is as it was.
 * @param {Map<number, {number: number | null, runs: number | null}> | null} numbers by group; `runs`: of
 *   how many the mean is
 * @param {{place: number, number: number, left: number, top: number}} at
 */
export function say(numbers, at, { hidden, isLoss }) {
  const format = said(isLoss);
  const body = $("legend").querySelector("tbody");
  const lines = rows().map((row) => ({ row, number: null, ...numbers?.get(Number(row.dataset.number)) }));
  $("cursor-title").textContent = numbers ? `at ${grouped(at.place)}` : "at cursor";
  const near = numbers && nearest(lines, at.number, hidden);
  for (const { row, number } of lines) {
    row.querySelector("[data-cursor]").textContent = number === null ? "" : format(number);
    row.classList.toggle("is-nearest", row === near?.row);
  }
  const order = numbers
    ? lines.toSorted((a, b) => (b.number ?? -Infinity) - (a.number ?? -Infinity))
    : lines.toSorted((a, b) => a.row.dataset.number - b.row.dataset.number);
  const isSorted = order.every(({ row }, index) => body.rows[index] === row);
  if (!isSorted) body.append(...order.map(({ row }) => row));
  read(numbers && at.number !== null ? order : [], near, at, { hidden, format });
}

function nearest(lines, number, hidden) {
  if (number === null) return null;
  const seen = lines.filter((line) => line.number !== null && !hidden.has(line.row.dataset.key));
  const distance = (line) => Math.abs(line.number - number);
  return seen.reduce((best, line) => (best && distance(best) <= distance(line) ? best : line), null);
}

/** The box beside the pointer: the nearest curves, sorted by their numbers. */
function read(order, near, at, { hidden, format }) {
  const box = $("readout");
  const seen = order.filter((line) => line.number !== null && !hidden.has(line.row.dataset.key));
  box.hidden = !seen.length;
  if (box.hidden) return;
  const middle = Math.max(0, seen.indexOf(near));
  const first = Math.max(0, Math.min(middle - MOST_READ / 2, seen.length - MOST_READ));
  const shown = seen.slice(first, first + MOST_READ).map((line) => entry(line, line === near, format));
  const title = document.createElement("p");
  title.className = "muted";
  const more = seen.length > MOST_READ ? ` · ${shown.length} of ${seen.length}` : "";
  title.textContent = `${grouped(at.place)} sequences${more}`;
  box.replaceChildren(title, ...shown);
  const width = box.parentElement.clientWidth;
  const isRight = at.left > width / 2;
  box.style.left = isRight ? "" : `${at.left + 16}px`;
  box.style.right = isRight ? `${width - at.left + 16}px` : "";
  box.style.top = `${Math.max(0, Math.min(at.top - 20, box.parentElement.clientHeight - box.offsetHeight))}px`;
}

function entry({ row, number, runs }, isNearest, format) {
  const line = document.createElement("p");
  line.classList.toggle("nearest", isNearest);
  const name = document.createElement("span");
  const who = row.querySelector(".who");
  name.textContent = runs ? who.firstChild.textContent : who.textContent; // how many: said at the end
  const value = document.createElement("b");
  value.textContent = format(number);
  line.append(row.querySelector("button.swatch i").cloneNode(), name, value);
  if (runs) line.append(behind(runs));
  return line;
}

/** Of how many runs a mean is here. */
function behind(runs) {
  const count = document.createElement("span");
  count.className = "muted behind";
  count.textContent = `${runs} run${runs === 1 ? "" : "s"}`;
  return count;
}
