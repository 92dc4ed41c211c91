// Charts: figures come from the server, points are appended here.

import { colour } from "./theme.js";

const Plotly = window.Plotly;
const CONFIG = { displayModeBar: false, responsive: true, doubleClick: "reset", showTips: false };
const NARROW = 520; // pixels; a long label would cover the curves
const coarse = matchMedia("(pointer: coarse)").matches;

/** Named parts of the server's figure, and the design token that colours each. */
const SHAPE_COLOURS = { mark: "mark", fork: "muted", guessing: "muted", cursor: "ink" };

export class Chart {
  #shapes = [];
  #cursor = null;
  #top = 0;
  #bottom = 0;

  constructor(element, figure) {
    this.element = element;
    this.traces = figure.data;
    this.meta = figure.data.map((trace) => trace.meta);
    this.total = figure.layout.xaxis.range[1];
    this.#remember(figure.layout);
    const layout = { ...figure.layout, ...this.#themed(), showlegend: false };
    for (const name of ["xaxis", "yaxis"]) {
      const { tickfont } = this.#axis();
      const title = { ...layout[name].title, font: tickfont };
      layout[name] = { ...layout[name], ...this.#axis(), title };
    }
    if (coarse) layout.dragmode = false; // dragging scrolls the page
    for (const trace of this.traces) this.#inked(trace);
    this.ready = Plotly.newPlot(element, this.traces, layout, CONFIG);
    document.addEventListener("themechange", () => this.#restyle());
  }

  #remember(layout) {
    this.#shapes = layout.shapes;
    this.annotations = layout.annotations;
    [this.#bottom, this.#top] = layout.yaxis.range;
  }

  get xs() {
    return this.element.data[0].x;
  }

  /** The number that a trace with this `meta` shows at `sequences`, or the last one before it. */
  value(matches, sequences) {
    const trace = this.element.data.find((one) => matches(one.meta));
    if (!trace) return null;
    let index = trace.x.length - 1;
    while (index > 0 && trace.x[index] > sequences) index -= 1;
    return trace.y[index] ?? null;
  }

  /** Draws measurements that it does not hold yet: the server's figure may have brought them. */
  append(measurements) {
    const last = this.xs.at(-1) ?? -1;
    const fresh = measurements.filter(({ sequences }) => sequences > last);
    if (!fresh.length) return Promise.resolve();
    const x = fresh.map(({ sequences }) => sequences);
    const ys = this.meta.map((meta) => fresh.map((one) => pick(one, meta)));
    const indices = this.meta.map((_, index) => index);
    const range = this.#grown(ys);
    const done = Plotly.extendTraces(this.element, { x: indices.map(() => x), y: ys }, indices);
    return range ? done.then(() => Plotly.relayout(this.element, { "yaxis.range": range })) : done;
  }

  /** The y range that new points need, if they leave the present one and nobody has zoomed. */
  #grown(ys) {
    let [low, high] = [Infinity, -Infinity];
    for (const y of ys.flat()) {
      if (y === null) continue;
      low = Math.min(low, y);
      high = Math.max(high, y);
    }
    const top = Math.max(this.#top, 1.05 * high);
    const bottom = Math.min(this.#bottom, low - (this.#bottom < 0 ? 0.05 : 0));
    if (top === this.#top && bottom === this.#bottom) return null;
    const [from, to] = this.element.layout.yaxis.range;
    const untouched = from === this.#bottom && to === this.#top;
    [this.#bottom, this.#top] = [Math.min(bottom, this.#bottom), top];
    return untouched ? [this.#bottom, this.#top] : null;
  }

  /** Marks and labels as the server now has them. */
  remark(layout) {
    this.#shapes = layout.shapes;
    this.annotations = layout.annotations;
    return Plotly.relayout(this.element, this.#themed());
  }

  /** A thin line where the frame on show was taken; null takes it away. */
  cursor(sequences) {
    if (sequences === this.#cursor) return;
    this.#cursor = sequences;
    Plotly.relayout(this.element, { shapes: this.#themed().shapes });
  }

  /** The server's figure again, thinned, in place of what was appended. */
  replace(figure) {
    this.#remember(figure.layout);
    figure.data.forEach((trace, index) => {
      this.#inked(trace);
      trace.visible = this.element.data[index].visible ?? true;
    });
    return Plotly.react(this.element, figure.data, { ...this.element.layout, ...this.#themed() }, CONFIG);
  }

  /** A hairline at the place that the pointer is over in another chart. */
  hairline(sequences) {
    if (!this.hair) {
      this.hair = document.createElement("i");
      this.hair.className = "hairline";
      this.element.append(this.hair);
    }
    const axis = this.element._fullLayout.xaxis;
    const inside = sequences !== null && sequences >= axis.range[0] && sequences <= axis.range[1];
    this.hair.hidden = !inside;
    if (inside) this.hair.style.left = `${axis._offset + axis.d2p(sequences)}px`;
  }

  show(visible) {
    const states = this.meta.map((meta) => visible(meta));
    return Plotly.restyle(this.element, { visible: states });
  }

  #restyle() {
    const layout = this.#themed();
    for (const axis of ["xaxis", "yaxis"]) {
      const style = this.#axis();
      layout[`${axis}.gridcolor`] = style.gridcolor;
      layout[`${axis}.linecolor`] = style.linecolor;
      layout[`${axis}.tickfont.color`] = style.tickfont.color;
      layout[`${axis}.title.font.color`] = style.tickfont.color;
    }
    const ink = this.meta.findIndex((meta) => meta.evaluator === 0);
    if (ink >= 0) Plotly.restyle(this.element, { "line.color": colour("ink") }, [ink]);
    return Plotly.relayout(this.element, layout);
  }

  #inked(trace) {
    if (trace.meta.evaluator === 0) trace.line = { ...trace.line, color: colour("ink") };
  }

  #axis() {
    return {
      gridcolor: colour("grid"),
      linecolor: colour("hairline"),
      tickfont: { size: 11, color: colour("muted") },
    };
  }

  #themed() {
    const [card, hairline, muted] = ["card", "hairline", "muted"].map(colour);
    const isNarrow = this.element.clientWidth < NARROW;
    const shapes = this.#shapes.map((shape) =>
      shape.name === "band"
        ? { ...shape, fillcolor: colour("band") }
        : { ...shape, line: { ...shape.line, color: colour(SHAPE_COLOURS[shape.name]) } },
    );
    if (this.#cursor !== null) shapes.push(line(this.#cursor, colour("ink")));
    return {
      font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour("ink") },
      hoverlabel: { bgcolor: card, bordercolor: hairline, font: { size: 11, color: colour("ink") } },
      shapes,
      annotations: (isNarrow ? narrowed(this.annotations, this.total) : this.annotations).map((note) => ({
        ...note,
        font: { ...note.font, color: muted },
        bgcolor: note.text === "plateau" ? "rgba(0, 0, 0, 0)" : card,
      })),
    };
  }
}

/** Labels for a narrow chart: a line each, on the side where there is room. */
function narrowed(annotations, total) {
  let row = 0;
  return annotations.map((note) => {
    if (note.name === "guessing") return { ...note, text: note.text.split(" · ")[0] };
    if (!("yshift" in note)) return note;
    const isRight = note.x > 0.5 * total;
    const side = { xanchor: isRight ? "right" : "left", xshift: isRight ? -3 : 3 };
    return { ...note, ...side, yshift: -15 * row++ };
  });
}

function line(x, ink) {
  return {
    type: "line", name: "cursor", layer: "above", yref: "paper",
    x0: x, x1: x, y0: 0, y1: 1, line: { color: ink, width: 1, dash: "dot" },
  };
}

/** The number of a measurement that a trace shows; null where it is not finite. */
export function pick(measurement, meta) {
  const numbers = measurement[meta.metric];
  const number = "evaluator" in meta ? numbers[meta.evaluator] : numbers[meta.layer][meta.head];
  return number ?? null;
}
