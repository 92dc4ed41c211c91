// What legends hide, as a set of keys: a click hides and shows one, a double click or "only" shows it
// alone and all again.

export function toggle(hidden, key) {
  if (!hidden.delete(key)) hidden.add(key);
}

/** Shows one of all `keys` alone; if it is that already, all again. */
export function alone(hidden, key, keys) {
  const others = keys.filter((one) => one !== key);
  const isAlone = !hidden.has(key) && others.every((one) => hidden.has(one));
  hidden.clear();
  if (!isAlone) others.forEach((one) => hidden.add(one));
}

/** The same by a double click, whose first half has toggled it. */
export function aloneByDoubleClick(hidden, key, keys) {
  hidden.delete(key);
  alone(hidden, key, keys);
}
