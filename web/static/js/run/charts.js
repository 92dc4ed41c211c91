// The charts of a run's page: what they show, points that come, zooming and following.

import { Chart } from "../charts/chart.js";
import { cursor } from "../charts/cursor.js";
import { read } from "../common/answers.js";
import { rooted } from "../common/root.js";
import { Feed } from "./feed.js";
import { toast } from "../common/toasts.js";
import { View } from "./view.js";

const MOST_POINTS = 3000; // beyond, the server's thinned figure replaces what was appended
const NARROWEST = 2; // sequences that a zoom must hold
const ASK_AGAIN = 3000; // milliseconds, after a figure could not be had
const RANGE = ["x", "from", "to", "last"]; // a change of these concerns every chart

const elementOf = (name) =>
  document.getElementById(name === "metric" ? "loss-chart" : `${name.replaceAll("_", "-")}-chart`);

export class RunCharts {
  #asked = 0;

  /** @param told called after every draw with the newest measurements, or none if figures came */
  constructor(data, { told }) {
    this.url = rooted(data.run_url);
    this.total = data.total_sequences;
    this.isOver = data.run.is_terminal;
    this.latest = data.after;
    this.told = told;
    this.view = new View(data.view, data.usual_view);
    this.feed = new Feed((batch) => this.#draw(batch));
    // Of every strength that the server draws, in its order; see app/schemas/series.py.
    this.panels = Object.keys(data.figures).filter((name) => name !== "metric");
    this.charts = this.#make(data.figures);
    for (const chart of Object.values(this.charts)) this.#listen(chart);
    cursor.subscribe((place) => this.#each((chart) => chart.hairline(place)));
    this.view.addEventListener("change", ({ detail }) => this.#changed(detail));
    this.ready = Promise.all(Object.values(this.charts).map((chart) => chart.ready));
  }

  #make(figures) {
    const make = (name, isShown, layer) =>
      new Chart(elementOf(name), figures[name], {
        isShown,
        layer,
        weight: this.view.now.smooth,
      });
    const charts = { metric: make("metric", ({ evaluator }) => !this.hiddenEvaluators.has(evaluator)) };
    for (const name of this.panels) {
      const isShown = ({ layer, head }) => layer === this.layer(name) && !this.hiddenHeads(name).has(head);
      charts[name] = make(name, isShown, () => this.layer(name));
    }
    return charts;
  }

  #each(act) {
    return Promise.all(Object.values(this.charts).map(act));
  }

  /* What is shown */

  layer(name) {
    return this.view.now[`${name}_layer`] - 1;
  }

  get hiddenEvaluators() {
    const names = [...document.querySelectorAll("#loss-legend [data-trace]")].map((one) => one.dataset.evaluator);
    return new Set(listed(this.view.now.hide).map((name) => names.indexOf(name)));
  }

  hiddenHeads(name) {
    return new Set(listed(this.view.now[`${name}_hide`]).map(Number));
  }

  /** The part of the run that is shown, in sequences; null: the whole. */
  get part() {
    const { from, to, last } = this.view.now;
    if (last !== null) return [Math.max(0, this.latest - last), Math.max(this.latest, last)];
    return from === null && to === null ? null : [from ?? 0, to ?? this.total];
  }

  get isPart() {
    return this.part !== null;
  }

  /* Points */

  async #draw(batch) {
    this.latest = Math.max(this.latest, batch.at(-1).sequences);
    const part = this.part;
    const wanted = part ? batch.filter(({ sequences }) => sequences <= part[1]) : batch;
    const isBroken = Object.values(this.charts).some((chart) => chart.breaks(wanted));
    await this.#each((chart) => chart.append(wanted));
    if (this.view.now.last !== null) await this.#each((chart) => chart.moveTo(...part));
    const isFull = this.charts.metric.xs.length > MOST_POINTS || this.charts.metric.isPastItsEnd;
    // Within the turn that `Feed` has given to these points: no others can be appended before the
    // figure, which the server makes of rows that hold these.
    if (isBroken || isFull) await this.#load();
    else if (this.charts.metric.isOutgrown) await bringUpToDate(this);
    this.told(batch, wanted.length);
  }

  /* Figures from the server */

  #changed(names) {
    const concerns = (chart) => names.has(chart) || (chart === "metric" && names.has("y"));
    const all = Object.keys(this.charts);
    let wanted = RANGE.some((name) => names.has(name)) ? all : all.filter(concerns);
    // How long training will take is estimated anew with every figure: all must say the same.
    if (wanted.length && this.view.now.x === "elapsed") wanted = all;
    if (names.has("smooth")) this.feed.alone(() => this.#each((chart) => chart.smooth(this.view.now.smooth)));
    if (names.has("hide")) this.charts.metric.show();
    for (const name of this.panels) {
      if (names.has(`${name}_layer`) || names.has(`${name}_hide`)) this.charts[name].show();
    }
    if (wanted.length) this.#reload(wanted);
    else this.told([], 0);
  }

  /** Asks for figures; of several wishes in a row only the last is drawn. */
  #reload(names) {
    // Counted when it is wished and compared when its turn comes: wishes pass while the one before
    // is on its way.
    const number = ++this.#asked;
    // Gathered, as a wish that is dropped may be for a chart that the last one does not name.
    this.wanted = new Set([...(this.wanted ?? []), ...names]);
    return this.feed.alone(async () => {
      if (number !== this.#asked) return;
      const chosen = [...this.wanted];
      this.wanted = null;
      await this.#load(chosen);
      this.told([], 0);
    });
  }

  async #load(names = Object.keys(this.charts)) {
    // The answers may be of different moments; points that a chart lacks come with the stream, and
    // those that it has twice are dropped.
    const figures = await Promise.all(names.map((name) => this.figure(name)));
    const drawn = names.map((name, index) => {
      return figures[index] && this.charts[name].replace(figures[index]);
    });
    await Promise.all(drawn);
    this.#askAgain(names.filter((_, index) => !figures[index]));
  }

  /** A figure that could not be had leaves a chart that is not what the controls say. */
  #askAgain(names) {
    if (names.length && !this.isBehind) {
      const text = "It shows what it did before; it is asked for again until the server answers.";
      toast({ title: "A chart could not be brought up to date", text, tone: "bad" });
    }
    this.isBehind = names.length > 0;
    // Through the queue again, where a newer wish takes these names along.
    if (names.length) setTimeout(() => this.#reload(names), ASK_AGAIN);
  }

  /** The server's figure for what is shown now; null if it cannot be had. */
  async figure(name) {
    const { metric, x, y } = this.view.now;
    const query = new URLSearchParams({ x });
    if (name === "metric") query.set("y", y);
    else query.set("drawing", this.view.now[name]);
    const part = this.part;
    if (part) {
      query.set("from", part[0]);
      query.set("to", part[1]);
    }
    return read(`${this.url}/figures/${name === "metric" ? metric : name}?${query}`);
  }

  /** The run will not change any more. */
  end() {
    this.isOver = true;
    return this.rest();
  }

  /** No more points come, for now at least: the last ones are here, if not yet drawn. */
  rest() {
    this.feed.flush(); // first, since where the latest part lies is told by the last point
    return this.renew();
  }

  /** Marks, notes and axes as the server now has them. */
  renew() {
    // In the queue, as everything that draws: a figure that is replaced meanwhile would get the
    // marks of what was shown before.
    return this.feed.alone(async () => {
      await bringUpToDate(this);
      this.told([], 0);
    });
  }

  /* Zooming: along x only, in all charts at once */

  #listen(chart) {
    chart.element.on("plotly_relayout", (event) => {
      // The hand's zoom names both ends by themselves; the program's names the whole range.
      if (!("xaxis.range[0]" in event)) return;
      const ends = [event["xaxis.range[0]"], event["xaxis.range[1]"]];
      this.zoom(...ends.map((x) => chart.sequencesUnder(x)));
    });
    chart.element.on("plotly_doubleclick", () => this.showWhole());
    chart.element.on("plotly_hover", ({ xvals, points }) => {
      cursor.set(chart.sequencesUnder(chart.places.written(points[0]?.x ?? xvals[0])));
    });
    chart.element.on("plotly_unhover", () => cursor.set(null));
  }

  zoom(from, to) {
    const [low, high] = [Math.max(0, Math.min(from, to)), Math.min(this.total, Math.max(from, to))];
    if (high - low < NARROWEST) return this.#each((chart) => (this.part ? chart.moveTo(...this.part) : chart.moveBack()));
    if (low === 0 && high === this.total) return this.showWhole();
    const isToTheEnd = !this.isOver && high >= this.latest && low < this.latest;
    if (isToTheEnd) this.view.set({ from: null, to: null, last: this.latest - low });
    else this.view.set({ from: low, to: high, last: null });
    return this.#each((chart) => chart.moveTo(...this.part));
  }

  showWhole() {
    this.view.set({ from: null, to: null, last: null });
  }

  get isFollowing() {
    return this.view.now.last !== null;
  }

  /** Takes up following at the present width, or lets go where it is. */
  follow(on) {
    if (!this.isPart) return;
    const [from, to] = this.part;
    if (on) this.view.set({ from: null, to: null, last: Math.round(Math.max(1, to - from)) });
    else this.view.set({ from: Math.round(from), to: Math.round(to), last: null });
  }
}

/** @param {RunCharts} page within its turn of the feed */
async function bringUpToDate(page) {
  await Promise.all(Object.entries(page.charts).map(async ([name, chart]) => {
    const figure = await page.figure(name);
    // Points that are here stay, as they were measured. Of a part the figure has others by now.
    if (figure) await (!page.isPart && chart.isOf(figure) ? chart.adopt(figure.layout) : chart.replace(figure));
  }));
}

function listed(text) {
  return text.split(",").filter(Boolean);
}
