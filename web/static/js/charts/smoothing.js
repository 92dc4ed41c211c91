// Smoothing as TensorBoard's: an exponential moving average that is freed of its bias to 0.

const FAINT = 0.28;

/** A line's average, that goes on where it was left. What is not a number stays a gap. */
export class Average {
  #sum = 0;
  #count = 0;
  #last = -1;

  /** @param restarts places, in sequences, that it does not reach across: another program begins */
  constructor(weight, restarts = []) {
    this.weight = weight;
    this.restarts = restarts;
  }

  take(number, sequences = -1) {
    if (this.restarts.some((place) => this.#last < place && place <= sequences)) this.#sum = this.#count = 0;
    this.#last = sequences;
    if (number === null || !Number.isFinite(number)) return null;
    this.#sum = this.#sum * this.weight + (1 - this.weight) * number;
    this.#count += 1;
    return this.#sum / (1 - this.weight ** this.#count);
  }
}

/** Lines with their smoothed twins after them; the measured ones stay behind, faint. */
export function withTwins(traces, weight, { restarts = [], sequences = [] } = {}) {
  if (!weight) return { traces, averages: [] };
  const averages = traces.map(() => new Average(weight, restarts));
  const twins = traces.map((trace, index) => ({
    ...trace,
    y: trace.y.map((number, point) => averages[index].take(number, sequences[point])),
    name: `${trace.name}, smoothed`,
    meta: { ...trace.meta, smoothed: true },
    uid: `${trace.uid}-smoothed`,
  }));
  const faint = traces.map((trace) => ({ ...trace, opacity: FAINT, mode: "lines" }));
  return { traces: [...faint, ...twins], averages };
}
