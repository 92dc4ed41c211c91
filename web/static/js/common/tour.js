// The tour of a run's page, step by step: a light on a part of the page and a card that explains
// it. Offered once, at the first run that is opened; again from the help.

import { recall, remember } from "./remember.js";
import { rooted } from "./root.js";
import { toast } from "./toasts.js";

const GAP = 12; // pixels between a part and its card
const PAD = 6; // around a part
const dialog = document.getElementById("tour");
const $ = (id) => document.getElementById(id);
let steps = [];
let at = 0;
let offered = null; // the toast that offers the tour

/** Steps whose part is on this page. */
function present() {
  return [...$("tour-steps").children]
    .map((step) => ({ ...step.dataset, text: step.cloneNode(true).childNodes, part: document.querySelector(step.dataset.target) }))
    .filter(({ part }) => part?.checkVisibility());
}

function start() {
  steps = present();
  if (!steps.length) return;
  remember("tour", "seen");
  offered?.remove();
  $("help").close();
  dialog.showModal();
  go(0);
}

function go(to) {
  if (to >= steps.length) return dialog.close();
  at = Math.max(0, to);
  const { title, text, part } = steps[at];
  $("tour-count").textContent = `${at + 1} of ${steps.length}`;
  $("tour-title").textContent = title;
  $("tour-text").replaceChildren(...[...text].map((one) => one.cloneNode(true)));
  $("tour-back").disabled = at === 0;
  $("tour-next").textContent = at === steps.length - 1 ? "Done" : "Next";
  part.scrollIntoView({ block: "center" });
  place();
  $("tour-next").focus({ preventScroll: true });
}

/** The light over the part, the card below it, above it, or at the bottom of the window. */
function place() {
  if (!dialog.open) return;
  const { part } = steps[at];
  const box = part.getBoundingClientRect();
  const spot = dialog.querySelector(".tour-spot").style;
  spot.left = `${box.left - PAD}px`;
  spot.top = `${box.top - PAD}px`;
  spot.width = `${box.width + 2 * PAD}px`;
  spot.height = `${box.height + 2 * PAD}px`;
  const card = dialog.querySelector(".tour-card");
  const { offsetWidth: width, offsetHeight: height } = card;
  const below = box.bottom + PAD + GAP;
  const above = box.top - PAD - GAP - height;
  const lowest = innerHeight - height - GAP;
  const top = below <= lowest ? below : above >= GAP ? above : lowest;
  card.style.top = `${top}px`;
  card.style.left = `${Math.max(GAP, Math.min(box.left, innerWidth - width - GAP))}px`;
}

function onKey(event) {
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  event.preventDefault();
  go(at + by);
}

/** The tour where there is nothing to see yet: on the example run, whose curves exist. */
function startElsewhere() {
  const form = Object.assign(document.createElement("form"), { method: "post", action: rooted("/welcome/example") });
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "tour", value: "yes" }));
  document.body.append(form);
  form.submit();
}

function offer() {
  const isEmpty = $("tour-steps").dataset.empty !== undefined;
  const note = (offered = toast({
    title: "New here?",
    text: isEmpty
      ? "This run has no curves yet. Take the tour on an example that has: plateau, phase change, heads and clamps."
      : "A tour of this run in six steps: plateau, phase change, heads and clamps.",
    seconds: 0,
  }));
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button compact primary";
  button.textContent = "Take the tour";
  button.addEventListener("click", isEmpty ? startElsewhere : start);
  note.querySelector("p").after(button);
  note.querySelector(".icon-button").addEventListener("click", () => remember("tour", "seen"));
}

if (dialog) {
  $("tour-start").hidden = false;
  $("tour-start").addEventListener("click", start);
  $("tour-skip").addEventListener("click", () => dialog.close());
  $("tour-back").addEventListener("click", () => go(at - 1));
  $("tour-next").addEventListener("click", () => go(at + 1));
  dialog.addEventListener("keydown", onKey);
  addEventListener("resize", place);
  addEventListener("scroll", place, { passive: true });
  if (location.hash === "#tour") start();
  else if (!recall("tour")) offer();
}
