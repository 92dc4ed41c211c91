// Keeps a table (of runs, of workers) fresh while somebody looks at it.

const table = () => document.querySelector("[data-refresh-seconds]");

function schedule() {
  const seconds = Number(table()?.dataset.refreshSeconds ?? 10);
  setTimeout(refresh, seconds * 1000);
}

async function refresh() {
  if (!document.hidden && table()) window.htmx.trigger(table(), "refresh");
  schedule();
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && table()) window.htmx.trigger(table(), "refresh");
});
// A server that is away is no fault of this page: it is asked again.
document.addEventListener("htmx:error", (event) => event.preventDefault());
schedule();
