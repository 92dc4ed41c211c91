// Keeps what changes on the pages of studies fresh while somebody looks at it.

const element = () => document.getElementById("refreshed");
const watchers = [];

/** Calls `act` with every refresh, too. */
export function withEach(act) {
  watchers.push(act);
}

function seconds() {
  return Number(element()?.dataset.refreshSeconds ?? 0);
}

/** Asks the server for what changed, now. */
export function refresh() {
  if (document.hidden || !element()) return;
  window.htmx.trigger(element(), "refresh");
  for (const act of watchers) act();
}

function schedule() {
  const wait = seconds();
  // 0: nothing changes any more.
  if (wait) setTimeout(() => { refresh(); schedule(); }, wait * 1000);
}

document.addEventListener("visibilitychange", () => {
  if (seconds()) refresh();
});
// A server that is away is no fault of this page: it is asked again.
document.addEventListener("htmx:error", (event) => event.preventDefault());
schedule();
