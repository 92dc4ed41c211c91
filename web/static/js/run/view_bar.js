// The controls over the charts, and those in their heads: each changes the view, and shows it.

import { fixed, grouped, nats } from "../common/format.js";
import { cursor } from "../charts/cursor.js";
import { legend } from "../charts/legend.js";
import { errorText } from "./standard_error.js";

const $ = (id) => document.getElementById(id);

export class ViewBar {
  /** @param {import("./charts.js").RunCharts} charts */
  constructor(charts) {
    this.charts = charts;
    this.view = charts.view;
    this.place = null; // that the time line is at, in sequences; null: with the latest
    this.#wireBar();
    this.#wireLegends();
    for (const name of charts.panels) {
      this.#segments(`[data-layer-of="${name}"]`, ({ layer }) => ({ [`${name}_layer`]: Number(layer) + 1 }));
      this.#segments(`[data-drawing-of="${name}"]`, ({ drawing }) => ({ [name]: drawing }));
    }
    this.view.addEventListener("change", () => this.#say());
    cursor.subscribe(() => this.showNumbers());
    this.#say();
    charts.ready.then(() => this.told());
  }

  #wireBar() {
    const bar = $("view-bar");
    bar.addEventListener("submit", (event) => event.preventDefault());
    for (const name of ["metric", "x"]) {
      bar.elements[name].addEventListener("change", ({ target }) => this.view.set({ [name]: target.value }));
    }
    $("smoothing").addEventListener("input", ({ target }) => this.view.set({ smooth: Number(target.value) }));
    $("log-y").addEventListener("click", () => this.view.set({ y: this.view.now.y === "log" ? "linear" : "log" }));
    $("follow-latest").addEventListener("click", () => this.charts.follow(!this.charts.isFollowing));
    $("whole-run").addEventListener("click", () => this.charts.showWhole());
  }

  #wireLegends() {
    const entries = [...document.querySelectorAll("#loss-legend [data-trace]")];
    legend("loss-legend", "trace", (hidden) => {
      const names = entries.filter((one) => hidden.has(Number(one.dataset.trace)));
      this.view.set({ hide: names.map((one) => one.dataset.evaluator).join(",") });
    });
    for (const { id, dataset } of document.querySelectorAll("[data-legend-of]")) {
      legend(id, "head", (hidden) => {
        this.view.set({ [`${dataset.legendOf}_hide`]: [...hidden].sort((a, b) => a - b).join(",") });
      });
    }
  }

  /** Buttons of which one is pressed. */
  #segments(selector, changes) {
    const group = document.querySelector(selector);
    group.addEventListener("click", ({ target }) => {
      const button = target.closest("button");
      if (!button) return;
      for (const one of group.children) one.setAttribute("aria-pressed", String(one === button));
      this.view.set(changes(button.dataset));
    });
  }

  /** The controls as the view has them. */
  #say() {
    const { smooth, y } = this.view.now;
    $("smoothing").value = smooth;
    $("smoothing-text").textContent = smooth ? fixed(smooth, 2) : "off";
    $("log-y").setAttribute("aria-pressed", String(y === "log"));
    $("zoom").classList.toggle("unused", !this.charts.isPart);
    $("follow-latest").setAttribute("aria-pressed", String(this.charts.isFollowing));
  }

  /** Titles, notes and numbers, after something was drawn. */
  told() {
    const { title, unit, name } = this.charts.charts.metric.figure.layout.meta;
    $("loss-title").textContent = title;
    $("loss-unit").textContent = unit;
    $("loss-chart").setAttribute("aria-label", `${title} of the four evaluators over the training`);
    const csv = document.querySelector('[data-downloads-of="metric"] [data-csv]');
    csv.href = csv.href.replace(/series=.*$/, `series=${name}.*`);
    $("points").textContent = noteOf(this.charts.charts.metric, this.charts.part);
    $("follow-latest").hidden = this.charts.isOver;
    for (const panel of this.charts.panels) {
      const { element, figure } = this.charts.charts[panel];
      $(`${element.id}-note`).textContent = figure.layout.meta.notes.join("; ");
    }
    this.showNumbers();
  }

  /** Numbers of the legends: under the pointer, where the time line is, or the latest. */
  showNumbers() {
    const at = cursor.sequences ?? this.place;
    const place = at ?? this.charts.latest;
    const { metric, ...panels } = this.charts.charts;
    for (const button of document.querySelectorAll("#loss-legend [data-trace]")) {
      const number = metric.value(({ evaluator }) => evaluator === Number(button.dataset.trace), place);
      button.querySelector("[data-value]").textContent = nats(number ?? NaN);
      button.title = errorText(metric.figure.layout.meta.name, number ?? NaN, this.#count);
    }
    for (const group of document.querySelectorAll("[data-legend-of]")) this.#showHeads(group, panels, place);
    $("cursor-text").textContent = at === null ? "" : `at ${grouped(at)} sequences`;
  }

  #showHeads(group, panels, place) {
    const name = group.dataset.legendOf;
    group.querySelector("[data-layer-shown]").textContent = this.charts.layer(name) + 1;
    for (const button of group.querySelectorAll("[data-head]")) {
      const strength = this.#strength(panels[name], name, button, place);
      button.querySelector("[data-value]").textContent = fixed(strength, 2);
      button.title = this.#error(panels[name], strength);
    }
  }

  #strength(chart, name, button, place) {
    const layer = this.charts.layer(name);
    const isHead = (meta) => meta.layer === layer && meta.head === Number(button.dataset.head);
    return chart.value(isHead, place) ?? NaN;
  }

  #error({ figure }, strength) {
    const said = errorText(figure.data[0]?.meta.metric, strength, this.#count);
    return said && `${figure.layout.meta.title}: ${said}`;
  }

  /** Sequences of an evaluator. */
  get #count() {
    return Number($("loss-legend").dataset.sequences);
  }
}

/** How many points there are, how they were thinned, and what is not finite. */
function noteOf(chart, part) {
  const { thinning, notes } = chart.figure.layout.meta;
  const every = thinning.bucket_sequences;
  // Not those beyond the edges of a part, to which its lines go on.
  const shown = part && !every ? chart.places.within(...part) : thinning.points + chart.appended;
  const of = thinning.of + chart.appended;
  const points = every
    ? `${grouped(shown)} of ${grouped(of)} points: smallest, largest and last of every ${grouped(every)} sequences`
    : `${grouped(shown)} points`;
  return [points, ...notes].join("; ");
}
