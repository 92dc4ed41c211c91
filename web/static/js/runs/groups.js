// Groups of the list: opened and closed by their lines, and which are open is kept in the address.

import { announce } from "../common/toasts.js";

const table = () => document.getElementById("runs-table");
const toggles = () => [...document.querySelectorAll(".group-toggle")];
const opened = new Set(new URL(location.href).searchParams.getAll("open"));

export function followGroups() {
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey);
  document.addEventListener("htmx:after:swap", show);
  if (toggles().length === 1) opened.add(toggles()[0].dataset.group);
  // After htmx has looked at the page, in a timer that it sets as it is loaded: what is asked of it
  // before is lost.
  setTimeout(show);
}

function onClick(event) {
  const toggle = event.target.closest?.(".group-toggle");
  if (!toggle || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  turn(toggle, toggle.getAttribute("aria-expanded") !== "true");
}

/** Space as on a button; right opens and left closes, as in a tree. */
function onKey(event) {
  const toggle = event.target.closest?.(".group-toggle");
  const isOpen = toggle?.getAttribute("aria-expanded") === "true";
  const wanted = { " ": !isOpen, ArrowRight: true, ArrowLeft: false }[event.key];
  if (!toggle || wanted === undefined) return;
  event.preventDefault();
  if (wanted !== isOpen) turn(toggle, wanted);
}

function turn(toggle, isOpen) {
  if (isOpen) opened.add(toggle.dataset.group);
  else opened.delete(toggle.dataset.group);
  put(toggle, isOpen);
  writeAddress();
  announce(`${toggle.textContent.trim()}: ${isOpen ? "open" : "closed"}`);
}

/** Whatever came: lines say whether they are open, and what is open is there. */
function show() {
  const list = document.querySelector(".runs-list.is-grouped");
  if (!list) return;
  for (const toggle of toggles()) put(toggle, opened.has(toggle.dataset.group));
  writeAddress();
  // The lines came alone, and there are others than those that are shown.
  const now = document.getElementById("group-mark").dataset.groups;
  if (now !== list.dataset.groups) window.htmx?.trigger(table(), "refresh-table");
}

function put(toggle, isOpen) {
  toggle.setAttribute("aria-expanded", String(isOpen));
  for (const part of partsOf(toggle)) {
    const isShown = !part.hidden;
    part.hidden = !isOpen;
    if (isOpen && !isShown) window.htmx?.trigger(part, part.matches(".group-rows") ? "open-group" : "refresh");
  }
}

/** What stands between its line and the next. */
function partsOf(toggle) {
  const found = [];
  let part = toggle.closest("tbody").nextElementSibling;
  while (part && !part.matches(".group-line, .groups-left")) {
    found.push(part);
    part = part.nextElementSibling;
  }
  return found;
}

function writeAddress() {
  const address = new URL(location.href);
  const shown = toggles().map(({ dataset }) => dataset.group).filter((group) => opened.has(group));
  address.searchParams.delete("open");
  for (const group of shown) address.searchParams.append("open", group);
  if (address.href !== location.href) history.replaceState(history.state, "", address);
}
