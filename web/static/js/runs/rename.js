// A run is renamed in its line: the pencil or F2, Enter keeps, Escape leaves.

import { announce } from "../common/toasts.js";
import { changeRun, runNow } from "./change.js";

const LONGEST = 200;
const EMPTY = "A run is called something: write a name.";

let refresh = () => {};

/** `rows`: asks for the rows anew. */
export function followRenaming(rows) {
  refresh = rows;
  document.addEventListener("click", ({ target }) => {
    const button = target.closest?.(".name-button");
    if (button) open(button.closest("th"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "F2") return;
    const head = event.target.closest?.(".runs-list tr")?.querySelector("th:has(.name-button):not(.is-renamed)");
    if (!head) return;
    event.preventDefault();
    open(head);
  });
}

function open(head) {
  for (const other of document.querySelectorAll(".is-renamed")) close(other);
  const link = head.querySelector("a");
  const form = formOf(link.textContent);
  head.classList.add("is-renamed");
  // Fresh rows leave what is being typed as it is.
  head.setAttribute("hx-morph-skip", "");
  head.prepend(form);
  head.dataset.name = link.textContent;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(head, form);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    event.preventDefault(); // else what is ticked would be cleared
    leave(head);
  });
  form.querySelector("[type=button]").addEventListener("click", () => leave(head));
  form.querySelector("input").select();
}

function formOf(name) {
  const form = document.createElement("form");
  form.className = "rename-form";
  form.noValidate = true;
  const field = document.createElement("input");
  Object.assign(field, { type: "text", value: name, maxLength: LONGEST, autocomplete: "off", enterKeyHint: "done" });
  field.setAttribute("aria-label", `Name of ${name}`);
  const wrong = document.createElement("span");
  wrong.className = "small error";
  wrong.setAttribute("role", "alert");
  form.append(field, button("submit", "Keep"), button("button", "Leave"), wrong);
  return form;
}

function button(type, text) {
  const found = document.createElement("button");
  Object.assign(found, { type, className: "button compact", textContent: text });
  return found;
}

async function keep(head, form) {
  const name = form.querySelector("input").value.trim();
  const before = head.dataset.name;
  if (!name) return say(form, EMPTY);
  if (name === before) return leave(head);
  const id = idOf(head);
  const { run, wrong, isLate } = await changeRun(id, { name }, { name: before });
  if (isLate) head.dataset.name = (await runNow(id))?.name ?? before;
  if (!run) return say(form, isLate ? `${wrong} Enter keeps yours.` : wrong);
  head.querySelector(":scope > a").textContent = run.name;
  announce(`Renamed to ${run.name}`);
  leave(head);
  return refresh();
}

function say(form, text) {
  const field = form.querySelector("input");
  form.querySelector(".error").textContent = text;
  field.setAttribute("aria-invalid", "true");
  field.focus();
}

/** Back to the line, with the focus on it. */
function leave(head) {
  close(head);
  head.querySelector(".name-button").focus();
}

function close(head) {
  head.querySelector(".rename-form").remove();
  head.classList.remove("is-renamed");
  head.removeAttribute("hx-morph-skip");
}

const idOf = (head) => head.closest("tr").querySelector("input[name=run]").value;
