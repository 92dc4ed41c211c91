// What holds at a place of the run: the sentence, the event, the checkpoint that is the last before.

/** Index of the largest of these places that is not after `at`, the later of equal ones; -1: all are after. */
export function inForce(places, at) {
  let best = -1;
  places.forEach((place, index) => {
    if (place <= at && (best < 0 || place >= places[best])) best = index;
  });
  return best;
}

/** Marks it in every list of things with `data-since`; `at` null: in none. */
export function markInForce(lists, at) {
  for (const list of lists) {
    const things = [...list.querySelectorAll("[data-since]")];
    const current = at === null ? -1 : inForce(things.map((one) => Number(one.dataset.since)), at);
    things.forEach((one, index) => {
      if (index === current) one.setAttribute("aria-current", "true");
      else one.removeAttribute("aria-current");
    });
  }
}
