// Settings and outcomes of the compared runs: asked from the server when they are opened.

import { asHigh } from "../charts/as_high.js";
import { CONFIG, overlayLayout, themedTrace } from "../charts/recolour.js";
import { readParts } from "../common/answers.js";
import { rooted } from "../common/root.js";
import { saveOutcome } from "./outcome_image.js";

const CHOICES = ["x", "y", "heads", "moment"];
const FIGURES = { scatter: "outcome-scatter", parallel: "outcome-parallel", heads: "outcome-heads-chart" };
const PARTS = ["outcome-said", "outcome-pictures-note", "outcome-data"]; // what a choice changes
const PANEL_WIDTH = 220; // pixels that a picture needs
const MOST_COLUMNS = 6;

const $ = (id) => document.getElementById(id);
const select = (name) => $(`outcome-${name}`);

export class OutcomesSection {
  #asked = 0;
  #columns = 0; // as drawn

  /** @param {{chosen: Object, query: Function, remember: Function}} page its view, and its address */
  constructor(details, page) {
    this.details = details;
    this.body = $("outcomes-body");
    this.page = page;
    details.addEventListener("toggle", () => this.#toggled());
    this.body.addEventListener("change", ({ target }) => {
      if (CHOICES.includes(target.name)) this.#choose({ [target.name]: target.value });
    });
    this.body.addEventListener("click", ({ target }) => {
      const pair = target.closest(".pair");
      if (pair) this.#choose({ x: pair.dataset.x, y: pair.dataset.y });
      const { picture, format } = target.dataset;
      if (picture) saveOutcome(figures()[picture], format, `outcomes-${picture}`);
    });
    document.addEventListener("themechange", () => this.#draw());
    new ResizeObserver(() => {
      if (this.isShown && this.#room() !== this.#columns) this.#load(PARTS);
    }).observe(this.body);
  }

  get isOpen() {
    return this.details.open;
  }

  /** Whether there is anything to renew. */
  get isShown() {
    return this.isOpen && $("outcome-data") !== null;
  }

  /** All of it, as the server has it now. */
  open() {
    return this.#ask((parts) => this.body.replaceChildren(parts));
  }

  /** After a run has come to its end: numbers change, choices stay. */
  refresh() {
    if (this.isShown) this.#load([...PARTS, "outcome-table"]);
  }

  #toggled() {
    if (this.isOpen === this.page.chosen.outcomes) return; // as the page came
    this.page.chosen.outcomes = this.isOpen;
    this.page.remember();
    if (this.isOpen) this.open();
  }

  #choose(changes) {
    Object.assign(this.page.chosen, changes);
    this.page.remember();
    return this.#load(PARTS);
  }

  #load(ids) {
    return this.#ask((parts) => {
      for (const id of ids) $(id).replaceWith(parts.querySelector(`#${id}`));
      for (const name of CHOICES) select(name).value = parts.querySelector(`#outcome-${name}`).value;
      this.#mark();
    });
  }

  /** Shows what the server has; `put` says where. Only the answer to the last wish is shown. */
  async #ask(put) {
    const number = ++this.#asked;
    this.#columns = this.#room();
    const url = rooted(`/compare/outcomes?${this.page.query()}&columns=${this.#columns}`);
    const parts = await readParts(url);
    if (number !== this.#asked) return;
    if (!parts) return this.#away();
    put(parts);
    await this.#draw();
  }

  /** What is there stays, and the next choice asks again. */
  #away() {
    if (this.isShown) return;
    this.body.textContent = "The server does not answer. Close this section and open it again.";
  }

  /** For how many pictures beside each other there is room. */
  #room() {
    return Math.max(1, Math.min(MOST_COLUMNS, Math.floor(this.body.clientWidth / PANEL_WIDTH)));
  }

  /** The pair of the table that is drawn as dots. */
  #mark() {
    for (const pair of this.body.querySelectorAll(".pair")) {
      const isDrawn = pair.dataset.x === select("x").value && pair.dataset.y === select("y").value;
      pair.setAttribute("aria-pressed", String(isDrawn));
    }
  }

  async #draw() {
    if (!this.isShown) return;
    const data = figures();
    const lines = $(FIGURES.parallel);
    const isFirst = !lines.data;
    await Promise.all(Object.entries(FIGURES).map(([name, id]) => drawn($(id), data[name])));
    if (isFirst) followPointer(lines);
  }
}

/** As the server gave them last. */
function figures() {
  return JSON.parse($("outcome-data").textContent);
}

/** The whole line of the run of which a point is under the pointer. */
function followPointer(lines) {
  const show = (x, y) => window.Plotly.restyle(lines, { x: [x], y: [y] }, [lines.data.length - 1]);
  lines.on("plotly_hover", ({ points: [{ data, pointNumber }] }) => {
    const { each } = lines.layout.meta;
    const first = each * Math.floor(pointNumber / each);
    show(data.x.slice(first, first + each), data.y.slice(first, first + each));
  });
  lines.on("plotly_unhover", () => show([], []));
}

function drawn(element, { data, layout }) {
  const { height, width, alt } = layout.meta;
  if (alt) element.setAttribute("aria-label", alt);
  if (width) element.style.minWidth = `max(100%, ${width}px)`;
  const high = asHigh(element, height);
  const shown = { ...overlayLayout(layout, element.clientWidth), ...high };
  return window.Plotly.react(element, data.map(themedTrace), shown, CONFIG);
}
