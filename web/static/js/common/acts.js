// What somebody did by a form that changes a part of the page, and that was not done: said, with the
// reason. Without this nothing would happen at all: the part stays as it was.

import { reasonOf } from "./reason.js";
import { toast } from "./toasts.js";

function say(form, text) {
  const button = form.querySelector("button[type=submit]");
  toast({ title: `“${button?.textContent.trim() || "It"}” was not done`, text, tone: "bad" });
}

/** A form whose button was pressed: previews ask by themselves, and say it themselves. */
const pressed = ({ ctx }) => (ctx?.sourceEvent?.type === "submit" ? ctx.sourceElement : null);

document.addEventListener("htmx:error", ({ detail }) => {
  const form = pressed(detail);
  if (form) say(form, "The server does not answer; try again.");
});
document.addEventListener("htmx:response:error", ({ detail }) => {
  const form = pressed(detail);
  if (form) say(form, reasonOf(detail.ctx.text));
});
