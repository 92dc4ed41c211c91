// Where things lie on a chart's x axis; the counterpart of app/services/charts/axes.py.

import { lastAt } from "./look_up.js";

/** The x axis of a figure, and at which `sequences` its points were measured. */
export class Places {
  constructor(figure) {
    const { kind, scale, sequences, total } = figure.layout.meta;
    Object.assign(this, { kind, scale, total });
    const [first] = figure.data;
    this.sequences = sequences ?? (first?.x ?? []).map((x) => x * scale);
  }

  get last() {
    return this.sequences.at(-1) ?? -1;
  }

  /** Where a measurement lies. */
  of({ sequences, elapsed_seconds }) {
    return this.kind === "elapsed" ? elapsed_seconds / this.scale : sequences / this.scale;
  }

  /** A log axis has no place for 0. */
  shows({ sequences }) {
    return this.kind !== "log" || sequences > 0;
  }

  /** Index of the last point at or before a place; -1 before the first. */
  indexAt(sequences) {
    return lastAt(this.sequences, sequences);
  }

  /** How many points there are from one place to another. */
  within(from, to) {
    return this.sequences.filter((place) => place >= from && place <= to).length;
  }

  /** Where a number of sequences lies, given the x of the points; null where that is not known. */
  at(sequences, xs) {
    if (this.kind === "log" && sequences <= 0) return null;
    if (this.kind !== "elapsed") return sequences / this.scale;
    const left = this.indexAt(sequences);
    if (left < 0 || sequences > this.last) return null;
    if (left === this.sequences.length - 1) return xs[left];
    const share = (sequences - this.sequences[left]) / (this.sequences[left + 1] - this.sequences[left]);
    return xs[left] + share * (xs[left + 1] - xs[left]);
  }

  /** The number of sequences at a place of the axis: the reverse of `at`. */
  under(x, xs) {
    if (this.kind === "log") return Math.round(10 ** x);
    if (this.kind !== "elapsed") return Math.round(x * this.scale);
    const right = xs.findIndex((one) => one >= x);
    if (right < 0) return this.last;
    if (right === 0) return this.sequences[0] ?? 0;
    const share = (x - xs[right - 1]) / (xs[right] - xs[right - 1] || 1);
    const [low, high] = [this.sequences[right - 1], this.sequences[right]];
    return Math.round(low + share * (high - low));
  }

  /** A place as ranges want it. */
  written(x) {
    return this.kind === "log" ? Math.log10(x) : x;
  }
}
