// The launch form.

import { form, watch } from "./form.js";
import { show as showProgram } from "./painting.js";
import "./presets.js";

const $ = (id) => document.getElementById(id);

function show(wrong) {
  if (wrong.length > 1) return $("refusal").focus(); // which leads to each
  const input = form.querySelector('[aria-invalid="true"]');
  input?.closest("details")?.setAttribute("open", "");
  (input ?? wrong[0]).scrollIntoView({ block: "center" });
  input?.focus({ preventScroll: true });
}

document.addEventListener("htmx:after:swap", showProgram);
document.addEventListener("htmx:after:swap", () => {
  $("name").placeholder = $("name-hint").value;
});
watch({ show });
