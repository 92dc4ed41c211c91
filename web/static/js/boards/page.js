// The page of a board: its charts are fetched as they come into view, those of runs that go on again
// and again; what is edited goes to the server as one form.

import { drawStanding } from "../charts/standing.js";
import { poll } from "../common/poll.js";
import { rooted } from "../common/root.js";
import { announce } from "../common/toasts.js";

const EVERY = 5; // seconds between two looks at a run that goes on
const AHEAD = "400px"; // so far below the window charts are fetched already
const PANEL_WIDTH = 260; // pixels for a small chart

const board = () => document.getElementById("board");
const places = () => [...document.querySelectorAll(".board-plot")];
const known = new Map(); // block: what the server said of its figure
const seen = new Set(); // blocks that are in view

/* Figures */

function columns(place) {
  return Math.max(1, Math.min(4, Math.floor(place.clientWidth / PANEL_WIDTH)));
}

async function load(place) {
  const { block } = place.dataset;
  const path = rooted(`/api/v1/boards/${board().dataset.board}/figures/${block}`);
  try {
    const answer = await fetch(`${path}?columns=${columns(place)}`);
    known.set(block, answer.ok ? await answer.json() : { fault: (await answer.json()).detail });
  } catch {
    return; // the server is away; it is asked again
  }
  await draw(place);
}

async function draw(place) {
  const said = known.get(place.dataset.block);
  if (!said) return;
  const note = document.getElementById(`note-${place.dataset.block}`);
  note.textContent = said.fault ?? said.note;
  if (said.fault) return;
  const frame = place.parentElement;
  const own = said.figure.layout.meta.height; // of small charts, which need what they need
  if (own) frame.style.setProperty("--height", `${own}px`);
  await drawStanding(place, said, own ?? Number(frame.dataset.height));
  place.dataset.drawn = "true";
}

/** Each figure once, as it comes into view. */
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const { block } = target.dataset;
    if (!isIntersecting) seen.delete(block);
    else if (!seen.has(block)) {
      seen.add(block);
      if (known.has(block)) draw(target);
      else load(target);
    }
  }
}, { rootMargin: AHEAD });

function watch() {
  watcher.disconnect();
  seen.clear();
  for (const place of places()) watcher.observe(place);
}

function goesOn({ dataset: { block } }) {
  const said = known.get(block);
  return seen.has(block) && (!said || (!said.fault && !said.is_over));
}

poll(
  () => EVERY,
  () => places().filter(goesOn).forEach(load),
);
document.addEventListener("themechange", () => places().filter(({ data }) => data).forEach(draw));

/* Print: all of it, also what nobody has scrolled to */

document.addEventListener("click", async ({ target }) => {
  if (target.id !== "print") return;
  await Promise.all(places().filter(({ dataset }) => !known.has(dataset.block)).map(load));
  print();
});

/* Editing */

document.addEventListener("keydown", (event) => {
  const to = { ArrowUp: "up", ArrowDown: "down" }[event.key];
  if (!to || !event.altKey || event.ctrlKey || event.metaKey) return;
  const button = event.target.closest?.(".block")?.querySelector(`[data-move="${to}"]`);
  if (!button) return;
  event.preventDefault();
  left = document.activeElement.id;
  if (!button.disabled) button.click();
});

let left = ""; // the field that a key moved the block of: it is gone on in

document.addEventListener("htmx:after:swap", () => {
  watch();
  const { focus } = board().dataset;
  const next = [left, focus, opposite(focus)].map((id) => document.getElementById(id)).find((one) => one && !one.disabled);
  left = "";
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
  if (/^(up|down)-/.test(focus)) announce(document.getElementById(focus).closest(".block").getAttribute("aria-label"));
  if (!document.getElementById("board-form")) scrollTo(0, 0);
});

/** At either end the way on is back. */
function opposite(id) {
  return id.replace(/^(up|down)-/, (_, to) => (to === "up" ? "down-" : "up-"));
}

watch();
const { focus: first } = board().dataset;
if (first) document.getElementById(first)?.focus();
