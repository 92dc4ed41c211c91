// The launch form: what has changed, what is wrong, and that nothing is sent twice.

import "./painting.js";
import { show } from "./painting.js";

const $ = (id) => document.getElementById(id);
const form = $("launch");

function markChanged(input) {
  if (input.dataset.default === undefined) return;
  input.closest(".field")?.classList.toggle("changed", input.value.trim() !== input.dataset.default);
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
  show();
});
form.addEventListener("submit", (event) => {
  const wrong = [...form.querySelectorAll(".error[id]")].filter((error) => error.textContent.trim());
  if (!wrong.length) {
    form.querySelector("button[type=submit].primary").disabled = true;
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
  form.querySelector("button[type=submit].primary").disabled = false;
});

form.querySelectorAll("[data-default]").forEach(markChanged);
markErrors();
