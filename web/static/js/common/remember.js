// Small things that this browser remembers; where storage is switched off, until the page is left.

const PREFIX = "optoscope.";
const here = new Map();

export function recall(name, store = localStorageOrNone()) {
  try {
    return store?.getItem(PREFIX + name) ?? here.get(name) ?? null;
  } catch {
    return here.get(name) ?? null;
  }
}

/** null: forgets it. */
export function remember(name, value, store = localStorageOrNone()) {
  here.set(name, value);
  try {
    if (value === null) store?.removeItem(PREFIX + name);
    else store?.setItem(PREFIX + name, value);
  } catch {
    // Not remembered beyond this page then.
  }
}

function localStorageOrNone() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}
