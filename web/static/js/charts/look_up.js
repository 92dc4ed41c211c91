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

/**
 * A curve's number at a place: on the straight line between two points, as it is drawn; null where
 * either of them has none, undefined before the first and after the last.
 */
export function onLine(places, numbers, place) {
  const left = lastAt(places, place);
  if (left < 0 || place > places.at(-1)) return undefined;
  if (places[left] === place) return numbers[left];
  const [start, end] = [numbers[left], numbers[left + 1]];
  if (start === null || end === null) return null;
  return start + ((end - start) * (place - places[left])) / (places[left + 1] - places[left]);
}
