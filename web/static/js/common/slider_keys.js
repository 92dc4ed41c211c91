// Keys of sliders over frames, that go by frames and not by the slider's own steps.

const FAR = 10; // frames that a bigger step goes
const KEYS = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -FAR, PageUp: FAR, Home: -Infinity, End: Infinity };

/** How many frames on, or back, a key means, and 0 if it means nothing; the browser does not act on it then. */
export function stepOf(event) {
  const by = KEYS[event.key];
  if (by === undefined || event.ctrlKey || event.metaKey || event.altKey) return 0;
  event.preventDefault();
  return event.shiftKey && Math.abs(by) === 1 ? FAR * by : by;
}
