// Charts: figures come from the server, points are appended here.

import { contentOf } from "./content.js";
import { Hairlines } from "./hairlines.js";
import { CONFIG, runLayout, runShapes } from "./recolour.js";
import { Pinch } from "./pinch.js";
import { Places } from "./places.js";

const Plotly = window.Plotly;

// Points that a figure may be behind by. Asking the server for one at every early point held up the drawing of them.
const FEW_POINTS = 64;

export class Chart {
  #frame = null; // where the attention on show was taken, in sequences
  #heights = [0, 1]; // the y range that holds every point
  #ahead = false; // the x range lies where the hand put it, before its figure has come

  /**
   * @param {(meta: object) => boolean} isShown says which lines are
   * @param {() => number} layer which of a picture is
   */
  constructor(element, figure, { isShown, layer = () => 0, weight = 0 }) {
    this.element = element;
    this.hairlines = new Hairlines(element);
    this.pinch = new Pinch(element);
    this.isShown = isShown;
    this.layer = layer;
    this.weight = weight;
    this.#take(figure);
    this.ready = Plotly.newPlot(element, this.#traces(), this.#layout(), CONFIG);
    document.addEventListener("themechange", () => this.#redraw());
  }

  #take(figure) {
    this.figure = figure;
    this.places = new Places(figure);
    this.content = contentOf(figure, this.weight);
    this.#heights = [...figure.layout.yaxis.range];
    this.came = figure.layout.meta.thinning.points;
    this.appended = 0; // points since
    this.#await();
  }

  /** What stands in an empty chart goes with the first point, whoever brings it. */
  #await() {
    this.element.querySelector(".awaited")?.toggleAttribute("hidden", this.xs.length > 0);
  }

  get xs() {
    return this.content.xs;
  }

  /** Training takes longer than was estimated. */
  get isPastItsEnd() {
    if (this.places.kind !== "elapsed" || !this.appended) return false;
    return this.xs.at(-1) > this.figure.layout.xaxis.range[1];
  }

  get isPicture() {
    return this.figure.layout.meta.drawing === "heatmap";
  }

  /** The number that is drawn for a line at `sequences`, or the last one before it. */
  value(matches, sequences) {
    const index = this.places.indexAt(sequences);
    return index < 0 ? null : this.content.number(matches, index);
  }

  /** Draws measurements that it does not hold yet: the server's figure may have brought them. */
  append(measurements) {
    // The server's figure is of a later moment than the stream's place, as a rule: what both bring
    // is drawn once. Relies on points coming in order, which the stream sees to.
    const fresh = measurements.filter(
      (one) => one.sequences > this.places.last && this.places.shows(one),
    );
    if (!fresh.length) return Promise.resolve();
    const xs = fresh.map((one) => this.places.of(one));
    const { drawn, numbers } = this.content.append(this.element, xs, fresh);
    // At once and not when they are drawn: the next points are compared with these.
    this.places.sequences.push(...fresh.map(({ sequences }) => sequences));
    this.appended += fresh.length;
    this.#await();
    const range = this.#grown(numbers);
    // After the points, so that the chart is drawn for one change at a time.
    return range ? drawn.then(() => Plotly.relayout(this.element, { "yaxis.range": range })) : drawn;
  }

  /** Whether measurements hold a gap that only the server can mark. */
  breaks(measurements) {
    return this.content.breaks(measurements);
  }

  /** The y range that new points need, if they leave the present one. */
  #grown(numbers) {
    const isLog = this.figure.layout.yaxis.type === "log";
    const known = numbers.filter((y) => y !== null && (!isLog || y > 0));
    if (!known.length) return null;
    const written = isLog ? known.map(Math.log10) : known;
    let [low, high] = this.#heights;
    const room = isLog ? 0.1 : 0.05 * (high - low);
    const [least, most] = [Math.min(...written), Math.max(...written)];
    if (least >= low && most <= high) return null;
    if (least < low) low = least - room;
    if (most > high) high = most + room;
    this.#heights = [low, high];
    return this.#heights;
  }

  /** The server's figure in place of what is there. */
  replace(figure) {
    this.#take(figure);
    // The figure's own range holds again. If the hand has moved since it was asked for, the figure
    // of that move is next in the queue.
    this.#ahead = false;
    return this.#redraw();
  }

  #redraw() {
    return Plotly.react(this.element, this.#traces(), this.#layout(), CONFIG);
  }

  /** Smoothed lines beside the measured ones; 0: only these. */
  smooth(weight) {
    this.weight = weight;
    this.content.setWeight(weight);
    return this.#redraw();
  }

  /** Shows and hides lines, or turns a picture to another layer, as `isShown` now has it. */
  show() {
    if (this.isPicture) return Plotly.relayout(this.element, { "yaxis.range": this.#rows() });
    const visible = this.element.data.map(({ meta }) => this.isShown(meta));
    return Plotly.restyle(this.element, { visible });
  }

  /** Whether a later figure of the whole run may have the points that are drawn here. */
  isOf({ data, layout }) {
    const known = this.figure.layout;
    const isSame = (name) => layout.meta[name] === known.meta[name];
    const isThinned = [layout, known].some(({ meta }) => meta.thinning.bucket_sequences);
    return (
      !isThinned && data.length === this.figure.data.length && layout.yaxis.type === known.yaxis.type &&
      ["name", "drawing", "kind", "scale"].every(isSame)
    );
  }

  /** What the server now has besides points: marks and labels, notes, how far the axes reach. */
  adopt(layout) {
    const [low, high] = layout.yaxis.range;
    this.came = layout.meta.thinning.points;
    // Below 0 while points that the figure has are on their way here.
    this.appended = this.places.sequences.length - this.came;
    this.#heights = this.appended > 0 ? [Math.min(low, this.#heights[0]), Math.max(high, this.#heights[1])] : [low, high];
    this.figure.layout = layout;
    return this.#redraw();
  }

  /** Whether so many points came that what the server said of the others is of little worth. */
  get isOutgrown() {
    return this.appended >= Math.max(FEW_POINTS, this.came);
  }

  /** Puts the x range somewhere, in sequences; the figure for it may come later. */
  moveTo(from, to) {
    const ends = [from, to].map((place) => this.places.at(place, this.xs));
    if (ends.includes(null)) return Promise.resolve();
    // Until a figure comes: a redraw for another reason (theme, smoothing) must not throw the view
    // back.
    this.#ahead = true;
    return Plotly.relayout(this.element, { "xaxis.range": ends.map((x) => this.places.written(x)) });
  }

  /** The x range as the figure has it, after the hand left it elsewhere. */
  moveBack() {
    return Plotly.relayout(this.element, { "xaxis.range": [...this.figure.layout.xaxis.range] });
  }

  /** A place of the axis as a number of sequences. */
  sequencesUnder(x) {
    return this.places.under(x, this.xs);
  }

  /** A thin line where the attention on show was taken; null takes it away. */
  cursor(sequences) {
    if (sequences === this.#frame) return;
    this.#frame = sequences;
    Plotly.relayout(this.element, { shapes: runShapes(this.figure.layout, this.#frameX()) });
  }

  #frameX() {
    return this.#frame === null ? null : this.places.at(this.#frame, this.xs);
  }

  /** A hairline at the moment that the pointer is over, here or in another chart. */
  hairline(sequences) {
    // Plotly's own and as it is drawn now, not the figure's: the hand may have moved it.
    const axis = this.element._fullLayout.xaxis;
    const x = sequences === null ? null : this.places.at(sequences, this.xs);
    const written = x === null ? null : this.places.written(x);
    const inside = written !== null && written >= axis.range[0] && written <= axis.range[1];
    this.hairlines.show(inside ? [{ left: axis._offset + axis.r2p(written) }] : []);
  }

  #traces() {
    const traces = this.content.traces;
    if (this.isPicture) return traces;
    return traces.map((trace) => ({ ...trace, visible: this.isShown(trace.meta) }));
  }

  #layout() {
    const { layout } = this.figure;
    const shown = runLayout(layout, { frame: this.#frameX(), width: this.element.clientWidth });
    shown.yaxis.range = this.isPicture ? this.#rows() : this.#heights;
    if (this.#ahead) shown.xaxis.range = this.element.layout.xaxis.range;
    return shown;
  }

  /** The rows of the layer that is chosen; head 0 at the top. */
  #rows() {
    const { heads } = this.figure.layout.meta;
    const layer = this.layer();
    return [(layer + 1) * heads - 0.5, layer * heads - 0.5];
  }
}
