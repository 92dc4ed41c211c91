// Which runs are ticked, and what is done to all of them at once.

import { toast } from "../common/toasts.js";

const ASKED = {
  cancel: {
    text: "They stop within seconds; what they reported stays.",
    yes: "Cancel",
  },
  delete: {
    text: "Everything that they reported and saved goes, too. Runs that have not ended are left.",
    yes: "Delete",
  },
};
const DONE = {
  tag: "tagged", untag: "untagged", colour: "coloured", cancel: "cancelled", delete: "deleted",
};

const $ = (id) => document.getElementById(id);
const boxes = () => [...document.querySelectorAll(".runs-list input[name=run]")];
const ticked = () => boxes().filter((box) => box.checked).map((box) => box.value);
const many = (count) => `${count.toLocaleString("en")} run${count === 1 ? "" : "s"}`;

let last = null; // the box that was clicked before: where a range begins
let refresh = () => {};

/** `rows`: asks for the rows anew. */
export function followSelection(rows) {
  refresh = rows;
  document.addEventListener("click", onClick);
  document.addEventListener("change", ({ target }) => {
    if (target.id === "pick-all") for (const box of boxes()) box.checked = target.checked;
    if (target.matches("#pick-all, .runs-list input[name=run]")) show();
  });
  document.addEventListener("htmx:after:swap", show);
  document.addEventListener("clear", clear);
  $("bulk").addEventListener("submit", onSubmit);
  $("bulk-clear").addEventListener("click", clear);
  show();
}

/** With shift: everything between this box and the one before. */
function onClick({ target, shiftKey }) {
  if (!target.matches?.(".runs-list input[name=run]")) return;
  const all = boxes();
  const [from, to] = [all.findIndex((box) => box.id === last), all.indexOf(target)];
  if (shiftKey && from >= 0) {
    for (const box of all.slice(Math.min(from, to), Math.max(from, to) + 1)) box.checked = target.checked;
  }
  last = target.id;
}

function clear() {
  for (const box of boxes()) box.checked = false;
  show();
}

function show() {
  const all = boxes();
  const count = ticked().length;
  $("bulk").classList.toggle("is-open", count > 0);
  $("bulk-count").textContent = count ? `${many(count)} selected` : "";
  const every = $("pick-all");
  if (!every) return;
  every.checked = count > 0 && count === all.length;
  every.indeterminate = count > 0 && count < all.length;
  for (const box of all) box.closest("tr").classList.toggle("is-picked", box.checked);
}

/** Comparing and exporting are addresses of their own; the rest is done from here. */
async function onSubmit(event) {
  const { name, value } = event.submitter ?? {};
  const action = name === "colour" ? "colour" : name === "action" ? value : "";
  for (const picker of event.target.querySelectorAll("details")) picker.open = false;
  if (!(action in DONE)) return;
  event.preventDefault();
  const runs = ticked();
  if (action in ASKED && !(await confirmed(action, runs.length))) return;
  const tags = $("bulk-tags").value.split(",").map((tag) => tag.trim()).filter(Boolean);
  await send({
    runs, action,
    ...(action.endsWith("tag") ? { tags } : {}),
    ...(action === "colour" ? { colour: value } : {}),
  });
}

function confirmed(action, count) {
  const dialog = $("bulk-confirm");
  $("bulk-confirm-title").textContent = `${ASKED[action].yes} ${many(count)}?`;
  $("bulk-confirm-text").textContent = ASKED[action].text;
  $("bulk-confirm-yes").textContent = `${ASKED[action].yes} ${many(count)}`;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

async function send(request) {
  try {
    const answer = await fetch("/api/v1/runs/bulk", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(request),
    });
    const body = await answer.json();
    if (answer.ok && request.action === "delete") untick(body.results);
    if (answer.ok) say(request.action, body);
    else toast({ title: "Nothing was changed", text: body.detail, tone: "bad", seconds: 0 });
  } catch {
    toast({ title: "The server does not answer", text: "Nothing may have changed; try again.", tone: "bad" });
  }
  refresh();
}

/** Rows that are out of sight are not asked for anew at once. */
function untick(results) {
  const gone = new Set(results.filter(({ result }) => result === "changed").map(({ id }) => id));
  for (const box of boxes()) if (gone.has(box.value)) box.checked = false;
  show();
}

function say(action, { changed, unchanged, refused, results }) {
  const parts = [`${many(changed)} ${DONE[action]}`];
  if (unchanged) parts.push(`${unchanged} unchanged`);
  if (refused) parts.push(`${refused} refused`);
  const reasons = results.filter(({ result }) => result === "refused").map(({ detail }) => detail);
  const more = reasons.length > 3 ? ` And ${reasons.length - 3} more.` : "";
  toast({
    title: parts.join("; "),
    text: reasons.slice(0, 3).join(" ") + more,
    tone: refused ? "bad" : "",
    seconds: refused ? 0 : undefined,
  });
}
