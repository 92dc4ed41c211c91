// The launch form.

import { form, watch } from "./form.js";
import { show as showProgram } from "./painting.js";

function say({ length }) {
  return length === 1 ? "One thing is to be put right." : `${length} things are to be put right.`;
}

function show(wrong) {
  const input = form.querySelector('[aria-invalid="true"]');
  input?.closest("details")?.setAttribute("open", "");
  (input ?? wrong[0]).scrollIntoView({ block: "center" });
  input?.focus({ preventScroll: true });
}

document.addEventListener("htmx:after:swap", showProgram);
watch({ say, show });
