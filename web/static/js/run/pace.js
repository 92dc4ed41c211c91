// How playing goes through the frames of a run: every one of the phase change, slowly; the rest
// quickly; from one thing to look at to the next for whoever asks for less motion.

const SLOW = { wait: 160, most: 60 }; // milliseconds a frame, and how many frames at most
const QUICK = { wait: 60, most: 80 };
const CALM = 1500; // milliseconds at each place

/**
 * @param {number[]} sequences of the frames
 * @param {number} at the frame on show, by its index
 * @param {{onset: number?, end: number?}} change the phase change, as far as it is known
 * @returns {{index: number, wait: number}?} the next frame, and how long it is to be seen; null: that was the last
 */
export function nextStop(sequences, at, change, isCalm) {
  const last = sequences.length - 1;
  if (at >= last) return null;
  if (isCalm) return { index: landmarks(sequences, change).find((one) => one > at), wait: CALM };
  const [from, until] = partOf(sequences, change);
  const isIn = (index) => index >= from && index <= until;
  const inside = until - from + 1;
  const pace = isIn(at + 1) ? SLOW : QUICK;
  const frames = pace === SLOW ? inside : last + 1 - inside;
  const next = Math.min(at + Math.ceil(frames / pace.most), last);
  const index = at < from && next > from ? from : next; // never over the start of the slow part
  return { index, wait: isIn(index) ? SLOW.wait : QUICK.wait };
}

/** Indices of the first and the last frame of the phase change; none are between if there is none. */
function partOf(sequences, { onset, end }) {
  if (onset === null) return [sequences.length, sequences.length - 1];
  const from = Math.max(lastBefore(sequences, onset), 0);
  return [from, end === null ? sequences.length - 1 : Math.min(lastBefore(sequences, end) + 1, sequences.length - 1)];
}

function lastBefore(sequences, place) {
  return sequences.findLastIndex((one) => one <= place);
}

function landmarks(sequences, { onset, midpoint, end }) {
  const last = sequences.length - 1;
  const places = [onset, midpoint, end].filter((one) => one !== null && one !== undefined);
  const found = places.map((place) => Math.max(lastBefore(sequences, place), 0));
  const evenly = [0.25, 0.5, 0.75].map((share) => Math.round(share * last));
  return [...(places.length ? found : evenly), last].sort((a, b) => a - b);
}
