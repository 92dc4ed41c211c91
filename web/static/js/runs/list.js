// The list of runs: filters as they are typed, rows that stay fresh, and what is selected.

import "./pickers.js";
import { followSelection } from "./selection.js";

const NEAR = 600; // pixels outside the window in which rows are kept fresh
const parts = () => [...document.querySelectorAll("[data-refresh-seconds]")];

function isNear(part) {
  const { top, bottom } = part.getBoundingClientRect();
  return bottom > -NEAR && top < window.innerHeight + NEAR;
}

function refreshTable() {
  window.htmx.trigger(document.getElementById("runs-table"), "refresh-table");
}

/** Asks for the rows that somebody may see; an empty list for the whole table. */
function refresh() {
  if (document.hidden || !window.htmx) return;
  for (const part of parts().filter(isNear)) {
    if (part.matches("tbody")) window.htmx.trigger(part, "refresh");
    else refreshTable();
  }
}

function schedule() {
  const seconds = Math.min(10, ...parts().map((part) => Number(part.dataset.refreshSeconds)));
  setTimeout(() => { refresh(); schedule(); }, seconds * 1000);
}

/** The last run of the list may have gone: then the page has something else to say. */
function noticeEmptiness() {
  const table = document.getElementById("runs-table");
  if (table.querySelector("tbody") && !table.querySelector("tbody tr")) refreshTable();
}

document.addEventListener("visibilitychange", refresh);
document.addEventListener("htmx:after:swap", noticeEmptiness);
// A server that is away is no fault of this page: it is asked again.
document.addEventListener("htmx:error", (event) => event.preventDefault());
followSelection(refresh);
schedule();
