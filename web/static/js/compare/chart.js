// The curves of a comparison: drawn from the server's figure, lengthened by what comes live.

import { asHigh } from "../charts/as_high.js";
import { Hairlines } from "../charts/hairlines.js";
import { lastAt, onLine } from "../charts/look_up.js";
import { Pinch } from "../charts/pinch.js";
import { CONFIG, overlayLayout, themedTrace } from "../charts/recolour.js";
import { numberAt } from "./live.js";

const Plotly = window.Plotly;

export class CompareChart {
  #hairlines;
  #zooms = 0; // raised to let go of what somebody zoomed to

  /** @param {{zoomed: Function, hover: Function}} listener */
  constructor(element, listener) {
    this.element = element;
    this.#hairlines = new Hairlines(element);
    this.pinch = new Pinch(element);
    this.listener = listener;
    this.cost = 0; // milliseconds that it last took to draw
  }

  async draw(figure, chosen, hidden) {
    this.figure = figure;
    this.chosen = chosen;
    this.hidden = hidden;
    const isFirst = !this.element.data;
    const high = asHigh(this.element, figure.layout.meta.height);
    await this.#timed(() => Plotly.react(this.element, this.#traces(), { ...this.#layout(), ...high }, CONFIG));
    if (isFirst) this.#listen();
    this.#curves = null;
  }

  #timed(act) {
    const start = performance.now();
    const done = act();
    this.cost = performance.now() - start; // Plotly draws before it returns
    return done;
  }

  #traces() {
    return this.figure.data.map((trace) => ({ ...themedTrace(trace), visible: !this.#isHidden(trace) }));
  }

  #isHidden(trace) {
    return this.hidden.has(this.figure.layout.meta.groups[trace.meta.group]?.key);
  }

  #layout() {
    const layout = overlayLayout(this.figure.layout, this.element.clientWidth);
    layout.uirevision = `${layout.uirevision} ${this.chosen.xlog} ${this.chosen.ylog} ${this.#zooms}`;
    for (const [name, axis] of Object.entries(layout)) {
      if (/^xaxis/.test(name) && this.chosen.xlog) layout[name] = { ...axis, type: "log", range: this.#decades(axis.range) };
      if (/^yaxis/.test(name) && this.chosen.ylog) layout[name] = { ...axis, type: "log", range: undefined, autorange: true };
    }
    if (this.chosen.ylog) layout.annotations = layout.annotations.map((note) => (note.name === "guessing" ? { ...note, y: Math.log10(note.y) } : note));
    return layout;
  }

  /** A range of a logarithmic axis, from the first place above 0 on. */
  #decades([from, to]) {
    const first = Math.min(...this.figure.data.map(({ x }) => x.find((place) => place > 0) ?? Infinity));
    const start = from > 0 ? from : Number.isFinite(first) ? first : 1;
    return [Math.log10(start), Math.log10(Math.max(to, start * 10))];
  }

  /** Other colours, after the theme changed; or other curves, after some were hidden. */
  restyle() {
    return this.draw(this.figure, this.chosen, this.hidden);
  }

  /** Lets go of a zoom: the next figure is shown as the server has it. */
  release() {
    this.#zooms += 1;
  }

  /** Adds measurements to the curves of their runs; those that it has already are passed over. */
  append(news) {
    const x = [], y = [], indices = [];
    const { groups } = this.figure.layout.meta;
    this.element.data.forEach((trace, index) => {
      const group = groups[trace.meta.group];
      if (trace.meta.rough || !news.has(group.run_id)) return;
      const last = trace.x.at(-1) ?? -Infinity;
      const fresh = news.get(group.run_id).filter(({ sequences }) => sequences - group.origin > last);
      if (!fresh.length) return;
      x.push(fresh.map(({ sequences }) => sequences - group.origin));
      y.push(fresh.map((one) => numberAt(one, group.pick)));
      indices.push(index);
    });
    if (!indices.length) return false;
    this.#curves = null;
    this.#timed(() => Plotly.extendTraces(this.element, { x, y }, indices));
    for (const index of indices) {
      const { x, y } = this.element.data[index]; // new arrays, which the next drawing starts from
      Object.assign(this.figure.data[index], { x, y });
    }
    return true;
  }

  get points() {
    return this.element.data.reduce((sum, { x }) => sum + x.length, 0);
  }

  #listen() {
    this.element.on("plotly_relayout", (change) => {
      const from = change["xaxis.range[0]"], to = change["xaxis.range[1]"];
      if (from === undefined) return;
      const back = this.chosen.xlog ? (place) => 10 ** place : (place) => place;
      this.listener.zoomed(Math.round(back(from)), Math.round(back(to)));
    });
    this.element.on("plotly_doubleclick", () => this.listener.zoomed(null, null));
    let frame = null; // at most one look a frame
    this.element.addEventListener("pointermove", (event) => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => this.#hovered(event));
    });
    this.element.addEventListener("pointerleave", () => {
      cancelAnimationFrame(frame);
      this.listener.hover(null);
    });
  }

  /* What is under the pointer */

  #curves = null;

  /** The curve that stands for each group: its mean, or its run. */
  get curves() {
    if (this.#curves) return this.#curves;
    this.#curves = new Map();
    for (const trace of this.element.data) {
      const { group, rough } = trace.meta;
      if (rough || trace.fill) continue;
      if (!this.#curves.has(group) || trace.uid.startsWith("mean-")) this.#curves.set(group, trace);
    }
    return this.#curves;
  }

  #panels() {
    const full = this.element._fullLayout;
    const names = Object.keys(full).filter((name) => /^xaxis\d*$/.test(name));
    return names.map((name) => [full[name], full[name.replace("x", "y")]]);
  }

  #hovered(event) {
    const box = this.element.getBoundingClientRect();
    const [left, top] = [event.clientX - box.left, event.clientY - box.top];
    const inside = (axis, at) => at >= axis._offset && at <= axis._offset + axis._length;
    const panel = this.#panels().find(([x, y]) => inside(x, left) && inside(y, top));
    if (!panel) return this.listener.hover(null);
    const [x, y] = panel;
    const number = y.p2d(top - y._offset);
    this.listener.hover({ place: x.p2d(left - x._offset), number, left, top });
  }

  /** Moves the cursor by a share of what is seen; for the arrow keys. */
  step(share, place) {
    const [axis] = this.#panels()[0];
    const [start, end] = [axis._offset, axis._offset + axis._length];
    const at = place === null ? (share > 0 ? start : end) : axis._offset + axis.d2p(place);
    const left = Math.min(end, Math.max(start, at + share * axis._length));
    this.listener.hover({ place: axis.p2d(left - axis._offset), number: null, left, top: 0 });
  }

  /** The number of every group at a place, as it is drawn there; of a mean also of how many runs. */
  numbersAt(place) {
    const found = new Map();
    for (const [group, { x, y, customdata }] of this.curves) {
      const number = onLine(x, y, place);
      if (number === undefined) continue;
      found.set(group, { number, runs: customdata?.[lastAt(x, place)] ?? null });
    }
    return found;
  }

  /** A hairline in every panel; null takes them away. */
  hairlines(place) {
    const panels = place === null ? [] : this.#panels();
    this.#hairlines.show(
      panels.map(([x, y]) => ({ left: x._offset + x.d2p(place), top: y._offset, height: y._length })),
    );
  }
}
