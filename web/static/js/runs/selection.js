// Which runs are ticked, and what is done to all of them at once.

import { grouped } from "../common/format.js";
import { rooted } from "../common/root.js";
import { toast } from "../common/toasts.js";

const ASKED = {
  cancel: {
    text: "They stop within seconds; what they reported stays.",
    words: (runs) => `Cancel ${runs}`,
    of: "going",
  },
  delete: {
    text: "They can be restored for {kept}.",
    words: (runs) => `Delete ${runs}`,
    of: "ended",
  },
  purge: {
    text: "Everything that they reported and saved goes, too, and cannot be restored.",
    words: (runs) => `Delete ${runs} for good`,
    of: "ended",
  },
};
// What is said of those that an act leaves as they are: one that is left, or several.
const LEFT = {
  ended: ["has not ended and is left; cancel it first", "have not ended and are left; cancel them first"],
  going: ["has ended and stays as it is", "have ended and stay as they are"],
};
const DONE = {
  tag: "tagged", untag: "untagged", colour: "coloured", pin: "pinned", unpin: "unpinned", shelve: "shelved",
  unshelve: "back in the list", cancel: "cancelled", delete: "deleted",
  restore: "restored", purge: "deleted for good",
};
const LEAVING = ["delete", "restore", "purge", "shelve", "unshelve"]; // after which a run is in this list no more
const MOST = 500; // runs of one request
const UNDONE_BY = { delete: "restore", shelve: "unshelve", unshelve: "shelve" };
const UNDO_SECONDS = 30;

const $ = (id) => document.getElementById(id);
const boxes = () => [...document.querySelectorAll(".runs-list input[name=run]")];
const inSight = () => boxes().filter((box) => !box.closest("tbody[hidden]")); // not in a closed group
// A run may be in several groups.
const ticked = () => [...new Set(boxes().filter((box) => box.checked).map((box) => box.value))];
const filter = () => {
  const list = document.querySelector("input[name=back][form=bulk]"); // none, if the list is empty
  const said = new URL(list?.value ?? "", location.href).searchParams;
  said.delete("columns");
  // Programs are given what is shelved, too; this list is not.
  if (list?.dataset.unshelved !== undefined) said.set("shelved", "false");
  return said;
};
const kept = () => $("bulk").dataset.kept; // for how long deleted runs can be restored; empty: not at all
const many = (count) => `${grouped(count)} run${count === 1 ? "" : "s"}`;

let last = null; // the box that was clicked before: where a range begins
let refresh = () => {};
let matching = null; // how many match, and the filter, once all of them are chosen as a whole

/** `rows`: asks for the rows anew. */
export function followSelection(rows) {
  refresh = rows;
  document.addEventListener("click", onClick);
  document.addEventListener("change", ({ target }) => {
    if (target.id === "pick-all") for (const box of inSight()) box.checked = target.checked;
    if (target.matches("#pick-all, .runs-list input[name=run]")) choose(null);
  });
  document.addEventListener("htmx:after:swap", swapped);
  document.addEventListener("clear", clear);
  $("bulk").addEventListener("submit", onSubmit);
  $("bulk-clear").addEventListener("click", clear);
  $("bulk-all").addEventListener("click", chooseAll);
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
  choose(null);
}

function choose(found) {
  matching = found;
  show();
}

/** All that match, on this page and beyond it: how many, the server says. */
async function chooseAll() {
  const asked = filter();
  const answer = await fetch(rooted(`/api/v1/runs/count?${asked}`)).catch(() => null);
  if (!answer?.ok) return toast({ title: "The server does not answer", text: "Try again.", tone: "bad" });
  return choose({ ...(await answer.json()), filter: asked.toString() });
}

/** Rows came: more of those that match, or those of another filter. */
function swapped() {
  if (matching?.filter !== filter().toString()) return choose(null);
  for (const box of boxes()) box.checked = true;
  return show();
}

function show() {
  const all = inSight();
  const count = ticked().length;
  $("bulk").classList.toggle("is-open", count > 0);
  $("bulk-count").textContent = matching ? `All ${many(matching.count)} selected` : count ? `${many(count)} selected` : "";
  $("bulk-all").hidden = matching !== null || !document.querySelector(".more-rows, .is-grouped") || !all.every((box) => box.checked);
  for (const button of $("bulk").querySelectorAll("[data-of-some]")) button.disabled = matching !== null;
  showPins(all.filter((box) => box.checked));
  const every = $("pick-all");
  if (!every) return;
  every.checked = count > 0 && all.every((box) => box.checked);
  every.indeterminate = count > 0 && !every.checked;
  for (const box of boxes()) box.closest("tr").classList.toggle("is-picked", box.checked);
}

/** What is pinned already is not offered to be, nor what is not to be unpinned. */
function showPins(picked) {
  const pinned = picked.filter((box) => box.dataset.pinned !== undefined).length;
  const offers = { pin: pinned < picked.length, unpin: pinned > 0 };
  for (const [action, isOffered] of Object.entries(offers)) {
    const button = $("bulk").querySelector(`[name=action][value=${action}]`);
    if (button) button.hidden = picked.length > 0 && !matching && !isOffered;
  }
}

/** Comparing and exporting are addresses of their own; the rest is done from here. */
async function onSubmit(event) {
  const { name, value } = event.submitter ?? {};
  const action = name === "colour" ? "colour" : name === "action" ? value : "";
  for (const picker of event.target.querySelectorAll("details")) picker.open = false;
  if (matching && event.submitter?.id === "bulk-csv") {
    event.preventDefault();
    location.assign(rooted(`/api/v1/runs.csv?${matching.filter}`));
  }
  if (!(action in DONE)) return;
  event.preventDefault();
  const runs = ticked();
  const of = matching;
  if (action in ASKED && !(await confirmed(action, of ?? tally()))) return;
  const tags = ($("bulk-tags")?.value ?? "").split(",").map((tag) => tag.trim()).filter(Boolean);
  await send(of, {
    ...(of ? {} : { runs }),
    action,
    ...(action.endsWith("tag") ? { tags } : {}),
    ...(action === "colour" ? { colour: value } : {}),
  });
}

/** How many runs are ticked, and how many of them have ended. */
function tally() {
  const picked = boxes().filter((box) => box.checked);
  return { count: picked.length, ended: picked.filter((box) => box.dataset.ended !== undefined).length };
}

function confirmed(action, { count, ended }) {
  const dialog = $("bulk-confirm");
  const { text, words, of } = ASKED[action === "delete" && !kept() ? "purge" : action];
  const taken = of === "ended" ? ended : count - ended;
  const [one, several] = LEFT[of];
  const said = `${grouped(count - taken)} of ${many(count)} ${count - taken === 1 ? one : several}.`;
  if (!taken) {
    toast({ title: "Nothing was changed", text: said, tone: "bad" });
    return false;
  }
  $("bulk-confirm-title").textContent = `${words(many(taken))}?`;
  $("bulk-confirm-text").textContent = `${text.replace("{kept}", kept())}${taken < count ? ` ${said}` : ""}`;
  $("bulk-confirm-yes").textContent = words(many(taken));
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

/** Of one run, by the button of its line. */
export const shelve = (run, action) => send(null, { runs: [run], action });

/** `of`: all that match; null: the runs that the request names. */
async function send(of, request) {
  try {
    // No more than were counted: others may match by now, which nobody has seen.
    const matches = of && rooted(`/api/v1/runs/bulk/matching?${of.filter}&at_most=${of.count}`);
    const answer = await ask(matches || rooted("/api/v1/runs/bulk"), request);
    const body = await answer.json();
    if (answer.ok && LEAVING.includes(request.action)) forget(of, body.results);
    if (answer.ok) say(request.action, body);
    else toast({ title: "Nothing was changed", text: body.detail, tone: "bad", seconds: 0 });
  } catch {
    toast({ title: "The server does not answer", text: "Nothing may have changed; try again.", tone: "bad" });
  }
  refresh();
}

const ask = (address, request) =>
  fetch(address, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });

/** Takes back what was done just now, in as many requests as it takes. */
async function undo(action, runs) {
  for (let at = 0; at < runs.length; at += MOST) {
    await send(null, { runs: runs.slice(at, at + MOST), action: UNDONE_BY[action] });
  }
}

const changedOf = (results) => results.filter(({ result }) => result === "changed").map(({ id }) => id);

/** Rows that are out of sight are not asked for anew at once. */
function forget(of, results) {
  if (of) return clear(); // the answer names those alone that were refused
  const gone = new Set(changedOf(results));
  for (const box of boxes()) if (gone.has(box.value)) box.checked = false;
  return show();
}

function say(action, { changed, unchanged, refused, results, deleted }) {
  const parts = [`${many(changed)} ${DONE[action]}`];
  if (unchanged) parts.push(`${unchanged} unchanged`);
  if (refused) parts.push(`${refused} refused`);
  const reasons = results.filter(({ result }) => result === "refused").map(({ detail }) => detail);
  const more = reasons.length > 3 ? ` And ${reasons.length - 3} more.` : "";
  const undoable = action === "delete" ? deleted : action in UNDONE_BY ? changedOf(results) : [];
  toast({
    title: parts.join("; "),
    text: reasons.slice(0, 3).join(" ") + more,
    tone: refused ? "bad" : "",
    seconds: refused ? 0 : undoable.length ? UNDO_SECONDS : undefined,
    button: undoable.length ? { text: "Undo", press: () => undo(action, undoable) } : null,
  });
}
