// The search field of the list: offers what can stand there, and says when a query is wrong.

import { rooted } from "../common/root.js";
import { completions } from "./completions.js";

const $ = (id) => document.getElementById(id);
const field = $("search");
const list = $("completions");
const waiting = { fields: null };
let offered = []; // as `completions` gives them
let chosen = -1; // which of them is marked; none

/** What there is to ask about, asked for once. */
function known() {
  waiting.fields ??= fetch(rooted("/api/v1/runs/fields"))
    .then((answer) => (answer.ok ? answer.json() : { fields: [] }))
    .then(({ fields }) => fields)
    .catch(() => {
      waiting.fields = null; // asked again with the next letter
      return [];
    });
  return waiting.fields;
}

function before() {
  return field.value.slice(0, field.selectionStart);
}

async function offer() {
  const said = before();
  const fields = await known();
  if (document.activeElement === field && before() === said) show(completions(said, fields));
}

function show(found) {
  offered = found;
  list.replaceChildren(...found.map(optionOf));
  list.hidden = !found.length;
  field.setAttribute("aria-expanded", String(found.length > 0));
  mark(-1);
}

function optionOf({ label, says }, index) {
  const option = document.createElement("li");
  const name = document.createElement("code");
  const words = document.createElement("span");
  name.textContent = label;
  words.textContent = says;
  option.id = `completion-${index}`;
  option.setAttribute("role", "option");
  option.append(name, words);
  return option;
}

function mark(index) {
  chosen = index;
  [...list.children].forEach((option, place) => {
    option.setAttribute("aria-selected", String(place === index));
    if (place === index) option.scrollIntoView({ block: "nearest" });
  });
  if (index < 0) field.removeAttribute("aria-activedescendant");
  else field.setAttribute("aria-activedescendant", `completion-${index}`);
}

/** Puts what was chosen where it belongs; the list follows, as if it had been typed. */
function take({ text, after, length }) {
  const end = field.selectionStart;
  const rest = field.value.slice(end);
  field.setRangeText(text + (rest.trimStart().startsWith(after.trim() || "\0") ? "" : after), end - length, end, "end");
  show([]);
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

function onKey(event) {
  if (event.isComposing) return;
  const act = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => chosen >= 0 && done(take(offered[chosen])),
    Tab: () => chosen >= 0 && done(take(offered[chosen])),
    Escape: () => !list.hidden && done(show([])),
  }[event.key];
  if (act?.()) event.preventDefault();
}

function step(by) {
  if (list.hidden) return false;
  const count = offered.length + 1; // none is one of the places
  mark(((chosen + 1 + by + count) % count) - 1);
  return true;
}

const done = () => true;

function follow() {
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", list.id);
  field.setAttribute("aria-expanded", "false");
  field.addEventListener("focus", known);
  field.addEventListener("input", offer);
  field.addEventListener("blur", () => show([]));
  field.addEventListener("keydown", onKey);
  // Down, not click: the field keeps the focus.
  list.addEventListener("mousedown", (event) => {
    event.preventDefault();
    const option = event.target.closest("[role=option]");
    if (option) take(offered[[...list.children].indexOf(option)]);
  });
  sayWhetherItIsWrong();
  document.addEventListener("htmx:after:swap", sayWhetherItIsWrong);
}

function sayWhetherItIsWrong() {
  field.setAttribute("aria-invalid", String($("asked").hasAttribute("data-wrong")));
}

follow();
