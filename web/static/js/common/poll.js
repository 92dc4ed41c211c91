// Asking the server again and again while somebody looks. htmx's own polling keeps the pace that it
// began with; here every answer may say another, and what else a page shows follows it.

/**
 * @param {() => number} seconds until the next time; 0: nothing changes any more
 * @param {() => void} ask
 */
export function poll(seconds, ask) {
  const look = () => {
    if (!document.hidden && window.htmx) ask();
  };
  const schedule = () => {
    const wait = seconds();
    if (wait) setTimeout(() => { look(); schedule(); }, wait * 1000);
  };
  document.addEventListener("visibilitychange", () => {
    if (seconds()) look();
  });
  // A server that is away is no fault of this page: it is asked again.
  document.addEventListener("htmx:error", (event) => event.preventDefault());
  schedule();
}
