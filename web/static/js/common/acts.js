// What somebody did by a form that changes a part of the page, and that was not done: said, with the
// reason. Without this nothing would happen at all: the part stays as it was.

import { reasonOf } from "./answers.js";
import { toast } from "./toasts.js";

function say({ form, isPressed }, text) {
  const button = isPressed ? form.querySelector("button[type=submit]") : null;
  toast({ title: button ? `“${button.textContent.trim()}” was not done` : "Nothing was changed", text, tone: "bad" });
}

/** A form whose button was pressed, or that sends what is chosen in it; previews say it themselves. */
function pressed({ ctx }) {
  const [form, type] = [ctx?.sourceElement, ctx?.sourceEvent?.type];
  if (!form?.matches?.("form:not(#launch)") || !["submit", "change"].includes(type)) return null;
  return { form, isPressed: type === "submit" };
}

document.addEventListener("htmx:error", ({ detail }) => {
  const act = pressed(detail);
  if (act) say(act, "The server does not answer; try again.");
});
document.addEventListener("htmx:response:error", ({ detail }) => {
  const act = pressed(detail);
  if (act) say(act, reasonOf(detail.ctx.text));
});
