// What a chart holds, and how points are appended to it: lines, or a picture of heads by time.

import { withTwins } from "./smoothing.js";
import { themedTrace } from "./recolour.js";

const Plotly = window.Plotly;

/** The number of a measurement that a trace shows; null where it is not finite. */
export function pick(measurement, meta) {
  const numbers = measurement[meta.metric];
  const number = "evaluator" in meta ? numbers[meta.evaluator] : numbers[meta.layer][meta.head];
  return number ?? null;
}

export function contentOf(figure, weight) {
  return figure.layout.meta.drawing === "heatmap" ? new Picture(figure) : new Lines(figure, weight);
}

class Lines {
  constructor(figure, weight) {
    this.lines = figure.data.filter(({ meta }) => !meta.broken);
    this.marks = figure.data.filter(({ meta }) => meta.broken);
    this.metas = this.lines.map(({ meta }) => meta);
    const { restarts, sequences, scale } = figure.layout.meta;
    this.restarts = restarts ?? [];
    this.sequencesOf = () => sequences ?? this.xs.map((x) => x * scale); // of an axis of time: as far as the figure has them
    this.whole = this.metas.filter((_, index) => !this.lines[index].y.includes(null));
    this.setWeight(weight);
  }

  /** What Plotly is given: lines, their smoothed twins, marks of what is not finite. */
  get traces() {
    return this.plain.map(themedTrace);
  }

  /** The same in the server's colours, for light paper. */
  get plain() {
    return [...this.twinned, ...this.marks];
  }

  setWeight(weight) {
    const { traces, averages } = withTwins(this.lines, weight, { restarts: this.restarts, sequences: this.sequencesOf() });
    this.twinned = traces;
    this.averages = averages;
  }

  get xs() {
    return this.lines[0].x;
  }

  /** Numbers of the lines, new ones last; whether Plotly needs a range for them is the chart's. */
  append(element, xs, measurements) {
    const ys = this.metas.map((meta) => measurements.map((one) => pick(one, meta)));
    // An average goes on from the last point: each must be given once and in order, which
    // `Chart.append` sees to.
    const smooth = this.averages.map((average, index) => ys[index].map((y, point) => average.take(y, measurements[point].sequences)));
    const added = [...ys, ...smooth];
    const indices = added.map((_, index) => index);
    const drawn = Plotly.extendTraces(element, { x: added.map(() => xs), y: added }, indices);
    added.forEach((_, index) => {
      // Ours must be the same ones: the next redraw is from ours, and would lose what was
      // appended.
      const { x, y } = element.data[index]; // Plotly may have made new arrays
      Object.assign(this.twinned[index], { x, y });
      if (index < this.lines.length) Object.assign(this.lines[index], { x, y });
    });
    return { drawn, numbers: ys.flat() };
  }

  /** Whether a line gets its first gap here, which the server's next figure will mark. */
  breaks(measurements) {
    return this.whole.some((meta) => measurements.some((one) => pick(one, meta) === null));
  }

  number(matches, index) {
    return this.lines.find(({ meta }) => matches(meta))?.y[index] ?? null;
  }
}

class Picture {
  constructor(figure) {
    [this.picture] = figure.data;
    const { metric, places } = this.picture.meta;
    this.metas = places.map(([layer, head]) => ({ metric, layer, head }));
  }

  get traces() {
    return this.plain.map(themedTrace);
  }

  get plain() {
    return [this.picture];
  }

  setWeight() {} // a picture is as it was measured

  get xs() {
    return this.picture.x;
  }

  append(element, xs, measurements) {
    const { x, z } = this.picture;
    x.push(...xs);
    this.metas.forEach((meta, row) => z[row].push(...measurements.map((one) => pick(one, meta))));
    // New arrays: Plotly knows a change by their identity.
    const drawn = Plotly.restyle(element, { x: [[...x]], z: [z.map((row) => [...row])] }, [0]);
    return { drawn, numbers: [] };
  }

  breaks() {
    return false; // gaps are seen as such
  }

  number(matches, index) {
    const row = this.metas.findIndex(matches);
    return row < 0 ? null : (this.picture.z[row][index] ?? null);
  }
}
