// The launch form: heads are painted with lights. The program lives in its textarea; this script
// writes it there, so that the form posts the same fields with and without it.

import { fixed } from "./format.js";

const $ = (id) => document.getElementById(id);
const form = $("launch");
const program = $("program");

const MADE = {
  induction: (strength) => [
    { kind: "set_pattern", target: "induction", strength, point: "pattern", positions: "query" },
  ],
  previous_token: (strength) => [
    { kind: "set_pattern", target: "previous_token", strength, point: "pattern", positions: "all" },
  ],
  silence: () => [{ kind: "ablate", point: "v", positions: "all" }],
  none: () => [],
};
const LIGHTS = {
  none: { word: "", said: "learns", tone: "none" },
  induction: { word: "induction", said: "induction", tone: "driven" },
  previous_token: { word: "previous", said: "previous", tone: "driven" },
  silence: { word: "silenced", said: "silenced", tone: "silenced" },
};
const HELP = {
  induction: "Attention from the query to the correct label; the rest goes to the wrong one.",
  previous_token: "Attention to the token before; the rest stays on the token itself.",
};
const strengths = { induction: 1, previous_token: 1 };

const grid = () => $("clamp-grid");
const heads = () => [...grid().querySelectorAll(".head")];
const clampsOf = (head) => JSON.parse(head.dataset.clamps);
const tool = () => form.elements.tool.value;

function lightOf(clamps) {
  if (!clamps.length) return "none";
  const pattern = clamps.find((clamp) => clamp.kind === "set_pattern");
  return pattern ? pattern.target : "silence";
}

/* Painting */

function light(head, clamps) {
  const name = lightOf(clamps);
  const { word, said, tone } = LIGHTS[name];
  const strength = clamps[0]?.strength ?? 1;
  const partly = strength === 1 ? "" : ` ${strength}`;
  head.dataset.clamps = JSON.stringify(clamps);
  head.className = `head tone-${tone}`;
  head.setAttribute("aria-pressed", String(clamps.length > 0));
  head.setAttribute("aria-label", `${head.getAttribute("aria-label").split(":")[0]}: ${said}${partly}`);
  head.lastElementChild.textContent = word + (word && partly);
}

function wanted() {
  return MADE[tool()](strengths[tool()]);
}

function isLit(head) {
  return JSON.stringify(clampsOf(head)) === JSON.stringify(wanted());
}

function paint(some, on) {
  for (const head of some) light(head, on ? wanted() : []);
  write();
}

let stroke = null; // true: lighting, false: clearing, while the pointer is down

document.addEventListener("pointerdown", (event) => {
  const head = event.target.closest("#clamp-grid .head");
  if (!head || event.button !== 0) return;
  head.releasePointerCapture?.(event.pointerId);
  stroke = !isLit(head);
  paint([head], stroke);
});
document.addEventListener("pointermove", (event) => {
  if (stroke === null) return;
  const under = document.elementFromPoint(event.clientX, event.clientY);
  const head = under?.closest?.("#clamp-grid .head");
  if (head && isLit(head) !== stroke) paint([head], stroke);
});
for (const end of ["pointerup", "pointercancel"]) {
  document.addEventListener(end, () => {
    stroke = null;
  });
}
document.addEventListener("click", (event) => {
  const row = event.target.closest("#clamp-grid .row-name");
  if (row) {
    const mates = heads().filter((head) => head.dataset.layer === row.dataset.layer);
    paint(mates, !mates.every(isLit));
  }
  const head = event.target.closest("#clamp-grid .head");
  if (head && event.detail === 0) paint([head], !isLit(head)); // from the keyboard
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

/* The program as text */

/** One clamp per layer and kind, naming its heads: `L1H0,1,2.v`. */
function programOf(some) {
  const groups = new Map();
  for (const head of some) {
    for (const clamp of clampsOf(head)) {
      const key = JSON.stringify([head.dataset.layer, clamp]);
      if (!groups.has(key)) groups.set(key, { layer: head.dataset.layer, clamp, heads: [] });
      groups.get(key).heads.push(Number(head.dataset.head));
    }
  }
  return [...groups.values()]
    .sort((a, b) => a.layer - b.layer || (a.clamp.kind === "ablate") - (b.clamp.kind === "ablate"))
    .map(({ layer, clamp, heads: lit }) => {
      const { kind, point, positions, ...rest } = clamp;
      const where = positions === "all" ? "" : `[${positions}]`;
      return { kind, site: `L${layer}H${lit.sort((a, b) => a - b).join(",")}.${point}${where}`, ...rest };
    });
}

function write() {
  const lines = programOf(heads()).map((clamp) => `  ${JSON.stringify(clamp)}`);
  program.value = lines.length ? `[\n${lines.join(",\n")}\n]` : "[]";
  program.dispatchEvent(new Event("change", { bubbles: true }));
}

/* What the grid cannot know itself: the server redraws it when the text or the shape changes. */

program.addEventListener("input", () => window.htmx.trigger(program, "edited"));
form.addEventListener("change", (event) => {
  if (event.target.name?.startsWith("model.")) window.htmx.trigger(program, "edited");
});

/* Strength */

function showStrength() {
  const name = tool();
  $("strength").hidden = !(name in strengths);
  if (!(name in strengths)) return;
  $("strength-slider").value = strengths[name];
  $("strength-number").value = String(strengths[name]);
  $("strength-help").textContent = HELP[name];
}

function setStrength(text) {
  const value = Math.min(Math.max(Number(text), 0), 1);
  if (text === "" || Number.isNaN(value)) return showStrength();
  const name = tool();
  strengths[name] = Number(fixed(value, 3).replace("−", "-"));
  showStrength();
  const lit = heads().filter((head) => lightOf(clampsOf(head)) === name);
  for (const head of lit) {
    light(head, clampsOf(head).map((clamp) => (clamp.target === name ? { ...clamp, strength: strengths[name] } : clamp)));
  }
  if (lit.length) write();
}

function readStrengths() {
  for (const head of heads()) {
    for (const clamp of clampsOf(head)) {
      if (clamp.target in strengths) strengths[clamp.target] = clamp.strength;
    }
  }
}

$("strength-slider").addEventListener("input", (event) => setStrength(event.target.value));
$("strength-number").addEventListener("change", (event) => setStrength(event.target.value));
for (const inner of ["strength", "tools"]) {
  // Neither is part of the config: only what they do to the program is previewed.
  for (const kind of ["input", "change"]) $(inner).addEventListener(kind, (event) => event.stopPropagation());
}
$("tools").addEventListener("change", showStrength);

/* Fields */

function markChanged(input) {
  if (input.dataset.default === undefined) return;
  input.closest(".field").classList.toggle("changed", input.value.trim() !== input.dataset.default);
}

function markErrors() {
  let anyWrong = false;
  for (const error of form.querySelectorAll(".error[id]")) {
    const input = $(error.id.replace(/^error-/, ""));
    const wrong = error.textContent.trim() !== "";
    if (input?.matches("input, select, textarea")) input.setAttribute("aria-invalid", String(wrong));
    if (wrong) error.closest("details.section")?.setAttribute("open", "");
    anyWrong ||= wrong;
  }
  if (!anyWrong) $("refusal").hidden = true;
}

form.addEventListener("input", (event) => markChanged(event.target));
document.addEventListener("htmx:after:swap", () => {
  markErrors();
  if (!grid().dataset.read) {
    grid().dataset.read = "yes";
    readStrengths();
    showStrength();
  }
});
form.addEventListener("submit", (event) => {
  const wrong = [...form.querySelectorAll(".error[id]")].filter((error) => error.textContent.trim());
  if (!wrong.length) {
    form.querySelector("button[type=submit]").disabled = true;
    return;
  }
  event.preventDefault(); // the server would only say the same again
  $("refusal").hidden = false;
  $("refusal").lastElementChild.textContent = count(wrong.length);
  const input = form.querySelector('[aria-invalid="true"]');
  input?.closest("details")?.setAttribute("open", "");
  (input ?? wrong[0]).scrollIntoView({ block: "center" });
  input?.focus({ preventScroll: true });
});

function count(wrong) {
  return wrong === 1 ? "One thing is to be put right." : `${wrong} things are to be put right.`;
}

addEventListener("pageshow", () => {
  form.querySelector("button[type=submit]").disabled = false;
});

form.querySelectorAll("[data-default]").forEach(markChanged);
markErrors();
readStrengths();
showStrength();
