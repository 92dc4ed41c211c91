// Buttons that lie together are one stop of the Tab key: the one that was used last, at first the one that is pressed.
// Arrow keys go on from there (the pattern of toolbars).

const STEPS = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1, Home: -Infinity, End: Infinity };
const heard = new WeakSet(); // elements that were given to it before: the server may have sent them anew

/**
 * @param {HTMLElement} element around them
 * @param {{which?: string, isGrid?: boolean}} how which of its elements they are; `isGrid`: the page goes from one to the next
 *   by itself
 */
export function oneStop(element, { which = "button", isGrid = false } = {}) {
  const all = () => [...element.querySelectorAll(which)];
  const used = all().find((one) => one === document.activeElement);
  settle(all(), used ?? all().find((one) => one.getAttribute("aria-pressed") === "true") ?? all()[0]);
  if (heard.has(element)) return;
  heard.add(element);
  element.addEventListener("focusin", ({ target }) => {
    const one = target.closest(which);
    if (one) settle(all(), one);
  });
  if (isGrid) return;
  element.addEventListener("keydown", (event) => {
    const next = nextOf(all(), event);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

function settle(all, stop) {
  for (const one of all) one.tabIndex = one === stop ? 0 : -1;
}

/** Where a key leads; of those that are hidden none. */
function nextOf(all, { key, target, ctrlKey, metaKey, altKey }) {
  const by = STEPS[key];
  const seen = all.filter((one) => one.offsetParent !== null && !one.disabled);
  const at = seen.indexOf(target);
  if (by === undefined || at < 0 || ctrlKey || metaKey || altKey) return null;
  return seen[Math.min(Math.max(at + by, 0), seen.length - 1)];
}
