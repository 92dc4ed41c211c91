// A run is pinned by the button of its line, and stands first from then on; or it is shelved.

import { announce, toast } from "../common/toasts.js";
import { changeRun } from "./change.js";
import { shelve } from "./selection.js";

/** `rows`: asks for all rows anew. */
export function followPins(rows) {
  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.matches(".pin-button, .shelf-button")) return;
    event.preventDefault();
    const isPin = button.matches(".pin-button");
    (isPin ? press(button) : shelve(button.value, event.target.id.split("-")[0])).then(rows);
  });
}

async function press(button) {
  const isPinned = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", String(isPinned)); // until the rows come
  const { run, wrong } = await changeRun(button.value, { is_pinned: isPinned });
  if (run) announce(isPinned ? `${run.name} is pinned and stands first` : `${run.name} is not pinned any more`);
  else toast({ title: "Nothing was changed", text: wrong, tone: "bad" });
}
