// Smoothing as TensorBoard's: an exponential moving average that is freed of its bias to 0.

const FAINT = 0.28;

/** A line's average, that goes on where it was left. What is not a number stays a gap. */
export class Average {
  #sum = 0;
  #count = 0;

  constructor(weight) {
    this.weight = weight;
  }

  take(number) {
    if (number === null || !Number.isFinite(number)) return null;
    this.#sum = this.#sum * this.weight + (1 - this.weight) * number;
    this.#count += 1;
    return this.#sum / (1 - this.weight ** this.#count);
  }
}

/** Lines with their smoothed twins after them; the measured ones stay behind, faint. */
export function withTwins(traces, weight) {
  if (!weight) return { traces, averages: [] };
  const averages = traces.map(() => new Average(weight));
  const twins = traces.map((trace, index) => ({
    ...trace,
    y: trace.y.map((number) => averages[index].take(number)),
    name: `${trace.name}, smoothed`,
    meta: { ...trace.meta, smoothed: true },
    uid: `${trace.uid}-smoothed`,
  }));
  const faint = traces.map((trace) => ({ ...trace, opacity: FAINT, mode: "lines" }));
  return { traces: [...faint, ...twins], averages };
}
