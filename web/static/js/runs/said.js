// Notes and tags of a run, in a dialog over the list; without a script the link leads to its page.

import { announce, toast } from "../common/toasts.js";
import { changeRun, runNow } from "./change.js";

const $ = (id) => document.getElementById(id);
const dialog = $("said");
const tagsOf = (text) => text.split(",").map((tag) => tag.trim()).filter(Boolean);

let refresh = () => {};
let shown = null; // the run, as it was when what is typed began

/** `rows`: asks for the rows anew. */
export function followWhatIsSaid(rows) {
  refresh = rows;
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-said]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(link.dataset.said);
  });
  $("said-form").addEventListener("submit", keep);
  $("said-leave").addEventListener("click", () => dialog.close());
}

async function open(id) {
  shown = await runNow(id);
  if (!shown) return toast({ title: "Not opened", text: "The server does not answer, or the run is gone.", tone: "bad" });
  $("said-title").textContent = shown.name;
  $("said-tags").value = shown.tags.join(", ");
  $("said-notes").value = shown.notes;
  $("said-wrong").textContent = "";
  dialog.showModal();
  return $("said-notes").focus();
}

async function keep(event) {
  event.preventDefault();
  const { id, tags, notes } = shown;
  const what = { tags: tagsOf($("said-tags").value), notes: $("said-notes").value };
  const { run, wrong, isLate } = await changeRun(id, what, { tags, notes });
  if (isLate) shown = (await runNow(id)) ?? shown;
  if (!run) {
    $("said-wrong").textContent = isLate ? `${wrong} Keep writes yours in its place.` : wrong;
    return;
  }
  dialog.close();
  announce(`Notes and tags of ${run.name} are kept`);
  refresh();
}
