// Looking things up in places that rise.

/** The index of the last place at or before one; -1 if there is none. */
export function lastAt(places, place) {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle] <= place) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
