// Keeps the part of a page that changes fresh (a table of workers, studies) while somebody looks.

import { poll } from "./poll.js";

const USUAL = 10; // seconds, should the part be missing for a moment
const watchers = [];
const part = () => document.querySelector("[data-refresh-seconds]");

/** Calls `act` with every refresh, too. */
export function withEach(act) {
  watchers.push(act);
}

poll(
  () => Number(part()?.dataset.refreshSeconds ?? USUAL),
  () => {
    if (part()) window.htmx.trigger(part(), "refresh");
    for (const act of watchers) act();
  },
);
