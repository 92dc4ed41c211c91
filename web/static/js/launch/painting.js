// Clamps onto the model: heads, layers and the whole of it are clicked or painted with the light in
// hand. The program lives in its textarea; what is done here is written there, so that the form
// posts the same fields with and without a script.

import { oneStop } from "../keys/one_stop.js";
import * as brush from "./brush.js";
import { added, covers, kindOf, meet, placed, readSite, removed, toneOf, writeSite } from "./clamps.js";

const $ = (id) => document.getElementById(id);
const text = $("program");
const grid = () => $("clamp-grid");
const heads = () => [...grid().querySelectorAll(".head")];

let selected = null; // the clamp whose settings are in the panel; null: those of the next one

/* The program */

/** The clamps as objects; null while the text cannot be read, which then is left alone. */
export function program() {
  try {
    const content = JSON.parse(text.value.trim() || "[]");
    const isProgram = Array.isArray(content) && content.every((item) => item && typeof item === "object");
    return isProgram ? content : null;
  } catch {
    return null;
  }
}

function write(clamps) {
  const lines = clamps.map((clamp) => `  ${JSON.stringify(clamp)}`);
  text.value = lines.length ? `[\n${lines.join(",\n")}\n]` : "[]";
  show();
  text.dispatchEvent(new Event("change", { bubbles: true }));
}

function shape() {
  const range = (count) => [...Array(Number(count)).keys()];
  return { layers: range(grid().dataset.layers), heads: range(grid().dataset.heads) };
}

/* Looks: at once here, with words when the server has answered */

/** Lights the grid and marks what is selected, as the program has it now. */
export function show() {
  const clamps = program();
  if (!clamps) return;
  if (selected !== null && selected >= clamps.length) selected = null;
  for (const head of heads()) {
    const [layer, number] = [Number(head.dataset.layer), Number(head.dataset.head)];
    const tone = toneOf(clamps, layer, number, brush.catalogue, shape());
    head.classList.remove("tone-none", "tone-driven", "tone-silenced", "tone-preserved");
    head.classList.add(`tone-${tone}`);
    head.setAttribute("aria-pressed", String(tone !== "none"));
  }
  for (const row of document.querySelectorAll("#clamp-list .clamp")) {
    row.classList.toggle("selected", Number(row.dataset.index) === selected);
  }
  $("clamps-card").dataset.targets = targets().join(" ");
  const clamp = clamps[selected];
  $("brush-title").textContent = clamp ? `Clamp ${selected + 1}` : "The next clamp";
  $("brush-add").hidden = Boolean(clamp);
  $("brush-done").hidden = !clamp;
}

/** What can be clicked with the light in hand. */
function targets() {
  const kind = brush.kind();
  if (!kind) return ["heads", "layers", "model"];
  const { point } = brush.site();
  const hasHeads = kind.head_points.includes(point);
  const isLayerless = kind.layerless_points.includes(point);
  return [
    ...(hasHeads && kind.picks !== "layer" ? ["heads"] : []),
    ...(!isLayerless && kind.picks !== "head" ? ["layers"] : []),
    ...(kind.picks === "any" ? ["model"] : []),
  ];
}

/* Painting */

/** The place that a button stands for, at the points of the light in hand. */
function placeOf(button) {
  const site = brush.kind() ? brush.site() : readSite("L*.pattern");
  if (button.dataset.head !== undefined) {
    return placed(site, Number(button.dataset.layer), [Number(button.dataset.head)]);
  }
  if (button.dataset.layer !== undefined) return placed(site, Number(button.dataset.layer), null);
  return placed(site, brush.kind()?.layerless_points.includes(site.point) ? null : "*", null);
}

/** Whether a clamp is of the light in hand and at its point. */
function isOurs(clamp) {
  const at = readSite(clamp.site);
  return kindOf(clamp, brush.catalogue) === brush.kind() && at?.point === brush.site().point && meet(clamp, brush.clamp());
}

function isLit(place) {
  const ours = brush.kind() ? program().filter(isOurs) : program();
  if (place.layer === null) return ours.length > 0;
  const { layers, heads: all } = shape();
  const wanted = place.heads ?? (brush.kind()?.head_points.includes(place.point) ? all : [null]);
  return (place.layer === "*" ? layers : [place.layer]).every((layer) =>
    wanted.every((head) => ours.some((clamp) => covers(readSite(clamp.site), layer, head))),
  );
}

function paint(place, on) {
  const clamps = program();
  if (!brush.kind()) {
    selected = null;
    return write(place.layer === "*" ? [] : removed(clamps, place, shape(), hasHeads(place)));
  }
  if (!on) {
    const rest = removed(clamps, place, shape(), isOurs);
    if (rest.length !== clamps.length || !rest[selected]) selected = null;
    else if (selected !== null) brush.setSite(rest[selected].site);
    return write(rest);
  }
  const done = added(clamps, brush.clamp(writeSite(place)), brush.catalogue, shape());
  selected = done.index;
  brush.setSite(done.program[selected].site);
  return write(done.program);
}

/** The eraser takes from a head what has heads, from a layer everything. */
function hasHeads(place) {
  return (clamp) => {
    const at = readSite(clamp.site);
    const kind = kindOf(clamp, brush.catalogue);
    return at && at.layer !== null && (place.heads === null || kind?.head_points.includes(at.point));
  };
}

function canTake(button) {
  const name = button.dataset.head !== undefined ? "heads" : button.dataset.layer !== undefined ? "layers" : "model";
  return program() !== null && targets().includes(name);
}

let stroke = null; // true: lighting, false: clearing, while the pointer is down

document.addEventListener("pointerdown", (event) => {
  const head = event.target.closest("#clamp-grid .head");
  if (!head || event.button !== 0 || !canTake(head)) return;
  head.releasePointerCapture?.(event.pointerId);
  stroke = !isLit(placeOf(head)) && Boolean(brush.kind());
  paint(placeOf(head), stroke);
});
document.addEventListener("pointermove", (event) => {
  if (stroke === null) return;
  const under = document.elementFromPoint(event.clientX, event.clientY);
  const head = under?.closest?.("#clamp-grid .head");
  if (head && isLit(placeOf(head)) !== stroke) paint(placeOf(head), stroke);
});
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => {
    stroke = null;
  });
}
document.addEventListener("click", (event) => {
  const head = event.target.closest("#clamp-grid .head");
  const wide = event.target.closest("#clamp-grid .row-name, #clamp-grid .whole");
  const button = wide ?? (event.detail === 0 ? head : null); // a head: from the keyboard
  if (button && canTake(button)) paint(placeOf(button), !isLit(placeOf(button)));
});
document.addEventListener("keydown", (event) => {
  const head = event.target.closest?.("#clamp-grid .head");
  const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] };
  if (!head || !moves[event.key]) return;
  const [up, right] = moves[event.key];
  const next = $(`head-${Number(head.dataset.layer) + up}-${Number(head.dataset.head) + right}`);
  if (next) {
    event.preventDefault();
    next.focus();
  }
});

/** Of all heads one is in the order of Tab; again after the server has made the grid anew. */
function stopOnce() {
  oneStop(grid(), { which: ".head", isGrid: true });
}
stopOnce();
document.addEventListener("htmx:after:swap", stopOnce);

/* The list of clamps */

document.addEventListener("click", (event) => {
  const button = event.target.closest("#clamp-list [data-do]");
  const clamps = button && program();
  const row = button?.closest(".clamp");
  const index = Number(row?.dataset.index);
  if (!clamps || (clamps[index]?.site ?? "") !== row.dataset.site) return; // the list is older
  if (button.dataset.do === "remove") {
    if (selected === index) selected = null;
    else if (selected > index) selected -= 1;
    write(clamps.filter((_, at) => at !== index));
  } else {
    select(index);
  }
});

function select(index) {
  const clamp = program()[index];
  const kind = kindOf(clamp, brush.catalogue);
  if (!kind) return $("program-json").setAttribute("open", ""); // a kind that is none is put right as text
  selected = index;
  brush.show(clamp, kind);
  show();
  $("brush").scrollIntoView({ block: "nearest" });
}

/* The light in hand */

$("tools").addEventListener("change", (event) => {
  event.stopPropagation(); // no part of the config: only what it does to the program is previewed
  selected = null;
  brush.turn();
  brush.reset();
  show();
});
$("more").addEventListener("click", () => brush.showMore($("more").getAttribute("aria-expanded") !== "true"));
$("brush-add").addEventListener("click", () => {
  const clamps = program();
  if (!clamps) return;
  const done = added(clamps, brush.clamp(), brush.catalogue, shape());
  selected = done.index;
  write(done.program);
});
$("brush-done").addEventListener("click", () => {
  selected = null;
  brush.reset();
  show();
});
for (const kind of ["input", "change"]) {
  $("brush").addEventListener(kind, (event) => {
    event.stopPropagation();
    brush.follow(event.target);
    const clamps = program();
    if (selected !== null && clamps) write(clamps.with(selected, brush.clamp()));
    else show();
  });
}
$("brush").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !event.target.matches("input")) return;
  event.preventDefault(); // Enter in a setting is no launch
  if (selected === null) $("brush-add").click();
});
text.addEventListener("input", () => {
  selected = null;
  show();
});
brush.turn();
brush.reset();
show();
