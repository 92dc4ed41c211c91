// One of two runs side by side: its circuit and the maps of its heads, at the frame nearest to a place.

import { rooted } from "../common/root.js";
import { Drawing } from "../run/circuit_drawing.js";
import { Scores } from "../run/compositions.js";
import { FrameStore } from "../run/frame_store.js";
import { isLit } from "../run/lights.js";
import { fillSmall } from "../run/maps.js";
import { BesideLine } from "./beside_line.js";

const BELOW = 14; // room below the heads: there are no tokens

export class BesideRun {
  #wanted = null;

  /** @param element its part of the page
   *  @param data as app/services/compare/beside.py tells it */
  constructor(element, data) {
    Object.assign(this, data);
    this.element = element;
    this.line = new BesideLine(document.querySelector(`[data-line="${data.id}"]`), data);
    this.frame = null; // on show, as the API gives it
    this.store = new FrameStore(`${rooted(data.url)}/frames`);
    this.scores = new Scores({ store: this.store, sequences: data.frames });
    this.maps = [...element.querySelectorAll("canvas")];
    const heads = this.maps.map(({ dataset: { layer, head, tone } }) => (
      { layer: Number(layer), head: Number(head), tone, hue: data.hues[head] }
    ));
    this.heads = heads;
    this.drawing = new Drawing(data.layers, heads, BELOW);
    this.drawing.svg.setAttribute("aria-hidden", "true");
    element.querySelector("[data-drawing]").append(this.drawing.svg);
  }

  /** Fetches the frame nearest to a place; whether there is another one to draw. */
  async goTo(place) {
    if (!this.frames.length) return false;
    const sequences = nearest(this.frames, place);
    this.#wanted = sequences;
    const frame = await this.store.load(sequences);
    // Of several wishes the last one counts, in whatever order frames come.
    if (!frame || this.#wanted !== sequences || this.frame === frame) return false;
    this.frame = frame;
    return true;
  }

  /** Takes in what came of it. */
  hear({ frames = [], measurements = [], run }) {
    const last = this.frames.at(-1) ?? -1;
    this.frames.push(...frames.filter((one) => one > last));
    this.line.append(measurements);
    this.end = Math.max(this.end, this.frames.at(-1) ?? 0, measurements.at(-1)?.sequences ?? 0);
    if (run) this.change = run.phase_change;
  }

  /** What the widest of its own lines would stand for. */
  get scale() {
    return this.scores.of(this.frame, "k", "start").full ?? 0;
  }

  draw(shade, full, text) {
    const { induction_strength: induction, previous_token_strength: previous, patterns } = this.frame;
    this.heads.forEach(({ layer, head }, index) => {
      const node = this.drawing.nodes[index];
      this.drawing.fill(node, { induction: induction[layer][head], previous: previous[layer][head] });
      const isOff = !isLit(this.maps[index], this.frame);
      for (const one of [node, this.maps[index]]) one.classList.toggle("unlit", isOff);
      fillSmall(this.maps[index], patterns[layer][head][0], shade);
    });
    const { lines } = this.scores.of(this.frame, "k", "start");
    this.drawing.join(full ? lines : [], full || 1, ([, head]) => this.hues[head]);
    this.element.querySelector("[data-place]").textContent = text;
  }
}

function nearest(places, wanted) {
  return places.reduce((best, one) => (Math.abs(one - wanted) < Math.abs(best - wanted) ? one : best));
}
