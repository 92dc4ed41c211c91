// Attention of every head on a probe sequence: small maps, one large, its numbers.

import { Difference, minus } from "./difference.js";
import { fixed } from "../common/format.js";
import { rooted } from "../common/root.js";
import { oneStop } from "../keys/one_stop.js";
import { Frames } from "./frames.js";
import { isLit } from "./lights.js";
import {
  attentionScale, differenceScale, drawnToken, element, fillLarge, fillSmall, largeMap,
} from "./maps.js";

const $ = (id) => document.getElementById(id);
const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] };

/** Events: `drawn` for every frame, `selected` for another head, `turned` for another sequence of
 *  the probe, `moved` for anything that the address holds. */
export class Attention extends EventTarget {
  /** @param data the page's data */
  constructor(data) {
    super();
    this.probe = data.probe;
    this.sequence = 0;
    this.layers = data.layers;
    this.layer = data.layers - 1;
    this.head = data.selected_head;
    this.frames = new Frames(`${rooted(data.run_url)}/frames`, data.frames);
    this.difference = new Difference(this, data.peers);
    this.#shade();
    this.#wire();
    if (this.hasProbe) this.#layOut();
    this.#draw();
    oneStop($("head-maps"), { isGrid: true });
  }

  get hasProbe() {
    return this.probe.length > 0;
  }

  setProbe(probe) {
    if (this.hasProbe || !probe.length) return;
    this.probe = probe;
    this.#layOut();
    this.#draw();
  }

  /** The sequence on show: its tokens and the label it asks for. */
  get shownSequence() {
    return this.probe[this.sequence] ?? null;
  }

  /** What each token of the sequence on show attends to, by a head: `[query][key]`. */
  pattern(layer, head) {
    return this.frames.shown.patterns[layer][head][this.sequence];
  }

  select(layer, head) {
    if (!this.button(layer, head)) return;
    this.layer = layer;
    this.head = head;
    this.#draw();
    this.#tell("selected");
    this.#tell("moved");
  }

  turnTo(sequence) {
    if (sequence < 0 || sequence >= this.probe.length) return;
    this.sequence = sequence;
    this.#layOut();
    this.#draw();
    this.#tell("turned");
    this.#tell("moved");
  }

  button(layer, head) {
    return document.querySelector(`#head-maps [data-layer="${layer}"][data-head="${head}"]`);
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }

  #shade() {
    this.shades = { plain: attentionScale(), difference: differenceScale() };
  }

  #wire() {
    const turn = (by) => this.turnTo((this.sequence + by + this.probe.length) % this.probe.length);
    $("probe-previous").addEventListener("click", () => turn(-1));
    $("probe-next").addEventListener("click", () => turn(1));
    $("head-maps").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.select(Number(button.dataset.layer), Number(button.dataset.head));
    });
    $("head-maps").addEventListener("keydown", (event) => this.#arrow(event));
    document.addEventListener("themechange", () => {
      this.#shade();
      this.#draw();
    });
    this.frames.addEventListener("shown", () => this.#draw());
    this.frames.addEventListener("moved", () => this.#tell("moved"));
    this.difference.addEventListener("changed", () => {
      this.#draw();
      this.#tell("moved");
    });
  }

  #arrow(event) {
    const [up, right] = MOVES[event.key] ?? [0, 0];
    const [layer, head] = [this.layer + up, this.head + right];
    const button = (up || right) && this.button(layer, head);
    if (!button) return;
    event.preventDefault();
    button.focus();
    this.select(layer, head);
  }

  /** Everything that depends on the probe sequence and not on the frame. */
  #layOut() {
    const { tokens, answer } = this.shownSequence;
    const asked = element("span", "small muted", "asks for");
    const wanted = drawnToken({ kind: "label", text: answer });
    $("probe-tokens").replaceChildren(...tokens.map(drawnToken), asked, wanted);
    $("probe-text").textContent = `probe ${this.sequence + 1} of ${this.probe.length}`;
    for (const id of ["probe-previous", "probe-next"]) $(id).hidden = this.probe.length < 2;
    $("large-map").replaceChildren(largeMap(tokens));
    $("probe").classList.remove("unknown");
  }

  #draw() {
    this.#name();
    if (!this.frames.shown || !this.hasProbe) return;
    const base = this.difference.isOn ? this.difference.base(this.frames.shown) : null;
    if (base === undefined) return; // what is on show stays until both frames are here
    const shade = base ? this.shades.difference : this.shades.plain;
    const shown = (layer, head) => {
      const pattern = this.pattern(layer, head);
      return base ? minus(pattern, base[layer][head][this.sequence]) : pattern;
    };
    for (const button of document.querySelectorAll("#head-maps button")) {
      const [layer, head] = [Number(button.dataset.layer), Number(button.dataset.head)];
      fillSmall(button.firstElementChild, shown(layer, head), shade);
    }
    fillLarge($("large-map"), shown(this.layer, this.head), shade, base ? signed : plain);
    $("attention").classList.toggle("is-difference", Boolean(base));
    this.#drawQuery(this.pattern(this.layer, this.head).at(-1));
    this.#say();
    this.#tell("drawn");
  }

  #name() {
    for (const button of document.querySelectorAll("#head-maps button")) {
      const [layer, head] = [Number(button.dataset.layer), Number(button.dataset.head)];
      const isSelected = layer === this.layer && head === this.head;
      button.setAttribute("aria-pressed", String(isSelected));
      if (!isSelected) continue;
      $("selected-name").textContent = button.dataset.name;
      const { clamp } = button.dataset;
      const isOff = clamp && !isLit(button, this.frames.shown);
      $("selected-clamp").textContent = clamp && `clamped: ${clamp}${isOff ? " (off in this frame)" : ""}`;
    }
  }

  /** Where the query attends among the labels. */
  #drawQuery(row) {
    const { tokens, answer } = this.shownSequence;
    const sum = { correct: 0, wrong: 0 };
    tokens.forEach((token, index) => {
      if (token.kind === "label") sum[token.text === answer ? "correct" : "wrong"] += row[index];
    });
    this.#number("correct", sum.correct);
    this.#number("wrong", sum.wrong);
  }

  #number(name, value) {
    document.querySelector(`[data-number="${name}"]`).textContent = fixed(value ?? NaN);
  }

  #say() {
    const { shown } = this.frames;
    const { induction_strength: induction, previous_token_strength: previous } = shown;
    this.#number("induction", induction[this.layer][this.head]);
    this.#number("previous", previous[this.layer][this.head]);
    for (const button of document.querySelectorAll("#head-maps button")) {
      const [layer, head] = [Number(button.dataset.layer), Number(button.dataset.head)];
      const strength = (layer === this.layers - 1 ? induction : previous)[layer][head];
      button.classList.toggle("unlit", !isLit(button, shown));
      const percent = `${(100 * Math.max(strength ?? 0, 0)).toFixed(1)}%`;
      button.style.setProperty("--strength", percent);
    }
  }
}

function plain(share) {
  return fixed(share, 2);
}

function signed(by) {
  return `${by > 0.005 ? "+" : ""}${fixed(Math.abs(by) < 0.005 ? 0 : by, 2)}`;
}
