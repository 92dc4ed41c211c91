// Forms that launch: what has changed, what is wrong, and that nothing is sent twice.

import { announce } from "../common/toasts.js";

const ASK_AGAIN = 3000; // milliseconds
const $ = (id) => document.getElementById(id);
export const form = $("launch");
const send = () => form.querySelector("button[type=submit].primary");
const errors = () => [...form.querySelectorAll(".error[id]")];
const isWrong = (error) => error.textContent.trim() !== "";

function markChanged(input) {
  if (input.dataset.default === undefined) return;
  input.closest(".field")?.classList.toggle("changed", input.value.trim() !== input.dataset.default);
}

function markErrors(inputOf) {
  for (const error of errors()) {
    const input = inputOf(error.id.replace(/^error-/, ""));
    if (input?.matches("input, select, textarea")) input.setAttribute("aria-invalid", String(isWrong(error)));
    if (isWrong(error)) error.closest("details.section")?.setAttribute("open", "");
  }
  if (!errors().some(isWrong)) $("refusal").hidden = true;
  else if (!$("refusal").hidden) sayFaults();
}

/* While the server is away, what stands beside the form is of what was typed before. */

let asking = null;

function goStale() {
  clearTimeout(asking);
  asking = setTimeout(() => window.htmx.trigger(form, "change"), ASK_AGAIN);
  if ($("stale").hidden) announce($("stale").textContent);
  $("stale").hidden = false;
  $("preview").classList.add("is-stale");
}

function goFresh() {
  clearTimeout(asking);
  $("stale").hidden = true;
  $("preview").classList.remove("is-stale");
}

/** Over the form what the preview says is wrong: every field by its name, as a link to it. */
function sayFaults() {
  const found = [...document.querySelectorAll("#faults > li")];
  const count = found.length === 1 ? "One thing is" : `${found.length} things are`;
  $("refusal").querySelector("span").textContent = found.length ? `${count} to be put right.` : "Something is to be put right.";
  const said = found.map((item) => item.cloneNode(true));
  // What says the same stays: of a link that is replaced while it is pressed there is no click.
  if (!isSame($("refusal-faults").children, said)) $("refusal-faults").replaceChildren(...said);
}

function isSame(shown, wanted) {
  return shown.length === wanted.length && wanted.every((item, place) => item.isEqualNode(shown[place]));
}

/**
 * @param {(id: string) => Element | null} inputOf that which the error of a name is about
 * @param {(wrong: Element[]) => void} show brings what is wrong into view
 */
export function watch({ inputOf = $, show }) {
  form.addEventListener("input", (event) => markChanged(event.target));
  document.addEventListener("htmx:after:swap", () => markErrors(inputOf));
  form.addEventListener("submit", (event) => {
    if (!$("stale").hidden) {
      event.preventDefault(); // the browser would leave the form for a page that says so
      $("stale").scrollIntoView({ block: "nearest" });
      return;
    }
    const wrong = errors().filter(isWrong);
    if (!wrong.length || event.submitter?.hasAttribute("formaction")) {
      send().disabled = true;
      return;
    }
    event.preventDefault(); // the server would only say the same again
    $("refusal").hidden = false;
    sayFaults();
    show(wrong);
  });
  document.addEventListener("htmx:error", ({ detail }) => {
    if (detail.ctx?.sourceElement === form) goStale();
  });
  document.addEventListener("htmx:after:swap", ({ detail }) => {
    if (detail.ctx?.sourceElement === form) goFresh();
  });
  addEventListener("pageshow", () => {
    send().disabled = false;
  });
  form.querySelectorAll("[data-default]").forEach(markChanged);
  markErrors(inputOf);
}
