// Keys for what has data-key: "l", "?", "Space", "g r" (one after the other). Such an element is
// clicked, or focused if it is a field. data-step-keys="[ ]" on a slider steps it back and forth.
// What else listens for keys is told by data-told-key="F2" data-told="Rename".
// What a page means by "clear" listens for the event "clear" of the document (Esc, nothing open).

import { recall, remember } from "./remember.js";
import { rooted } from "./root.js";

const PATIENCE = 1500; // milliseconds between the two keys of "g r"
const FIELDS = 'textarea, select, [contenteditable=""], [contenteditable="true"], input:not([type="range"], [type="checkbox"], [type="radio"], [type="button"], [type="submit"])';
const PRESSABLE = "a[href], button, summary, input";
const KEYED = ":is(a, button, summary, input, select, textarea)[data-key], input[data-step-keys]";

const $ = (id) => document.getElementById(id);
let first = "";
let firstAt = 0;

function isOn() {
  return recall("keys") !== "off";
}

function keyed() {
  return [...document.querySelectorAll(KEYED)].filter(
    (element) => !element.closest("[hidden], dialog:not([open])"),
  );
}

function nameOf(event) {
  return event.key === " " ? "Space" : event.key;
}

function onKey(event) {
  if (event.key === "Escape") return onEscape(event);
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (!isOn() || document.querySelector("dialog[open]")) return;
  const { target } = event;
  if (target.closest?.(FIELDS)) return;
  const name = nameOf(event);
  if ((name === "Space" || name === "Enter") && target.closest?.(PRESSABLE)) return;
  const both = Date.now() - firstAt < PATIENCE ? `${first} ${name}` : "";
  if (event.key !== "Shift") [first, firstAt] = [name, Date.now()];
  if ((both && act(both)) || act(name)) event.preventDefault();
}

/** Whether there was something to do. */
function act(name) {
  for (const element of keyed()) {
    if (element.dataset.key === name) return press(element);
    const place = element.dataset.stepKeys?.split(" ").indexOf(name) ?? -1;
    if (place >= 0) return step(element, place ? 1 : -1);
  }
  if (name !== "/") return false;
  location.href = rooted("/runs#search"); // the search is there
  return true;
}

function press(element) {
  if (element.disabled) return false;
  if (element.matches(`${FIELDS}, input[type="range"]`)) {
    element.focus();
    if (element.matches(FIELDS)) element.select?.();
  } else {
    element.click();
  }
  return true;
}

/** A slider whose steps are not all alike listens for `step` and goes by itself. */
function step(slider, by) {
  if (slider.disabled) return false;
  if (!slider.dispatchEvent(new CustomEvent("step", { detail: by, cancelable: true }))) return true;
  const before = slider.value;
  if (by > 0) slider.stepUp();
  else slider.stepDown();
  if (slider.value !== before) {
    for (const kind of ["input", "change"]) slider.dispatchEvent(new Event(kind, { bubbles: true }));
  }
  return true;
}

/** The browser closes dialogs and popovers itself; then a field is left; then the page clears. */
function onEscape(event) {
  if (event.defaultPrevented || document.querySelector("dialog[open], [popover]:popover-open")) return;
  const { activeElement } = document;
  if (activeElement?.matches(FIELDS)) activeElement.blur();
  else document.dispatchEvent(new Event("clear"));
}

/* Help */

function label(element) {
  return (
    element.dataset.keyLabel ?? element.getAttribute("aria-label") ??
    element.labels?.[0]?.textContent ?? element.textContent
  ).trim();
}

function rows() {
  const found = new Map(keyed().map((element) => {
    const keys = element.dataset.key?.split(" ") ?? element.dataset.stepKeys.split(" ");
    const text = element.dataset.stepKeys ? `${label(element)}: back, on` : label(element);
    return [keys.join(" "), [keys, text]];
  }));
  for (const { dataset } of document.querySelectorAll("[data-told-key]")) {
    found.set(dataset.toldKey, [dataset.toldKey.split(" "), dataset.told]);
  }
  if (!found.has("/")) found.set("/", [["/"], "Search the runs"]);
  if (document.querySelector('main button[tabindex="-1"]')) {
    found.set("arrows", [["←", "→"], "From button to button of a group, which is one stop of Tab"]);
  }
  found.set("Esc", [["Esc"], "Close what is open, leave a field"]);
  return [...found.values()];
}

function fillHelp() {
  $("help-keys").replaceChildren(...rows().map(([keys, text]) => {
    const row = document.createElement("div");
    const what = document.createElement("dt");
    what.textContent = text;
    const how = document.createElement("dd");
    for (const key of keys) {
      const mark = document.createElement("kbd");
      mark.textContent = key;
      how.append(mark, " ");
    }
    row.append(what, how);
    return row;
  }));
}

function openHelp(event) {
  event.preventDefault();
  fillHelp();
  $("keys-on").checked = isOn();
  $("help").showModal();
}

function sayShortcuts() {
  for (const element of keyed()) {
    const keys = element.dataset.key ?? element.dataset.stepKeys;
    // Two keys after each other have no name in ARIA; those of a slider are alternatives.
    if (element.dataset.key?.includes(" ")) continue;
    element.setAttribute("aria-keyshortcuts", keys);
  }
}

$("help-open").addEventListener("click", openHelp);
$("help-close").addEventListener("click", () => $("help").close());
$("keys-on").addEventListener("change", ({ target }) => remember("keys", target.checked ? null : "off"));
document.addEventListener("keydown", onKey);
document.addEventListener("htmx:after:swap", sayShortcuts);
sayShortcuts();
if (location.hash === "#search") act("/");
