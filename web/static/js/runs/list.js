// The list of runs: filters as they are typed, rows that stay fresh, and what is selected.

import "./ask.js";
import "./pickers.js";
import { poll } from "../common/poll.js";
import { followGroups } from "./groups.js";
import { followPins } from "./pins.js";
import { followRenaming } from "./rename.js";
import { followWhatIsSaid } from "./said.js";
import { followSelection } from "./selection.js";

const NEAR = 600; // pixels outside the window in which rows are kept fresh
const SLOWEST = 10; // seconds
const parts = () => [...document.querySelectorAll("[data-refresh-seconds]")];

function isNear(part) {
  if (part.hidden) return false; // of a group that is closed
  const { top, bottom } = part.getBoundingClientRect();
  return bottom > -NEAR && top < window.innerHeight + NEAR;
}

function refreshTable() {
  window.htmx.trigger(document.getElementById("runs-table"), "refresh-table");
}

/** Asks for the rows that somebody may see; an empty list for the whole table. */
function refresh(which = isNear) {
  if (!window.htmx) return;
  for (const part of parts().filter(which)) {
    if (part.matches("tbody")) window.htmx.trigger(part, "refresh");
    else refreshTable();
  }
}

function seconds() {
  return Math.min(SLOWEST, ...parts().map((part) => Number(part.dataset.refreshSeconds)));
}

/** The last run of the list may have gone: then the page has something else to say. */
function noticeEmptiness() {
  const table = document.getElementById("runs-table");
  if (table.querySelector("tbody") && !table.querySelector("tbody tr")) refreshTable();
}

document.addEventListener("htmx:after:swap", noticeEmptiness);
followSelection(() => refresh());
followRenaming(() => refresh());
followWhatIsSaid(() => refresh());
followGroups();
followPins(() => refresh(() => true)); // it may come to stand far away
poll(seconds, () => refresh());
