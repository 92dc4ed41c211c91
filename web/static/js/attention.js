// Attention of every head on a probe sequence: small maps, one large, its numbers.

import { fixed, grouped } from "./format.js";
import { Frames } from "./frames.js";
import { attentionScale, drawnToken, element, fillLarge, fillSmall, largeMap } from "./maps.js";

const $ = (id) => document.getElementById(id);
const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] };
const HAND_RESTS = 400; // milliseconds before the address is rewritten

export class Attention {
  #shade = attentionScale();
  #remembering = null;

  /** @param data the page's data
   *  @param onShow told of every frame; answers with the strengths of a head at that place */
  constructor(data, onShow) {
    this.probe = data.probe;
    this.onShow = onShow;
    this.sequence = 0;
    this.layers = data.layers;
    this.layer = data.layers - 1;
    this.head = data.selected_head;
    this.frames = new Frames(`${data.run_url}/frames`, data.frames, {
      shown: () => this.#draw(),
      moved: () => this.#remember(),
    });
    const place = this.#recall();
    this.#wire();
    if (this.hasProbe) this.#layOut();
    this.#draw();
    this.frames.start();
    if (place !== null) this.frames.goTo(place);
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

  /** Takes the head, probe and frame from the address; the frame's place, if it names one. */
  #recall() {
    const found = location.hash.match(/^#L(\d+)H(\d+)\.probe(\d+)(?:\.at(\d+))?$/);
    if (!found) return null;
    const [layer, head, probe] = found.slice(1, 4).map(Number);
    if (this.#button(layer, head)) [this.layer, this.head] = [layer, head];
    if (probe >= 1 && probe <= this.probe.length) this.sequence = probe - 1;
    return found[4] === undefined ? null : Number(found[4]);
  }

  /** Puts what is on show into the address, so that it can be sent; once the hand rests. */
  #remember() {
    clearTimeout(this.#remembering);
    this.#remembering = setTimeout(() => {
      const { following, target } = this.frames;
      const at = following || target === undefined ? "" : `.at${target}`;
      const view = `#L${this.layer}H${this.head}.probe${this.sequence + 1}${at}`;
      if (view !== location.hash) history.replaceState(null, "", view);
    }, HAND_RESTS);
  }

  #wire() {
    $("probe-previous").addEventListener("click", () => this.#turn(-1));
    $("probe-next").addEventListener("click", () => this.#turn(1));
    $("head-maps").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.#select(Number(button.dataset.layer), Number(button.dataset.head));
    });
    $("head-maps").addEventListener("keydown", (event) => this.#arrow(event));
    document.addEventListener("themechange", () => {
      this.#shade = attentionScale();
      this.#draw();
    });
  }

  #button(layer, head) {
    return document.querySelector(`#head-maps [data-layer="${layer}"][data-head="${head}"]`);
  }

  #arrow(event) {
    const [up, right] = MOVES[event.key] ?? [0, 0];
    const [layer, head] = [this.layer + up, this.head + right];
    const button = (up || right) && this.#button(layer, head);
    if (!button) return;
    event.preventDefault();
    button.focus();
    this.#select(layer, head);
  }

  #turn(by) {
    this.sequence = (this.sequence + by + this.probe.length) % this.probe.length;
    this.#layOut();
    this.#draw();
    this.#remember();
  }

  #select(layer, head) {
    this.layer = layer;
    this.head = head;
    this.#draw();
    this.#remember();
  }

  /** Everything that depends on the probe sequence and not on the frame. */
  #layOut() {
    const { tokens, answer } = this.probe[this.sequence];
    const asked = element("span", "small muted", "asks for");
    const wanted = drawnToken({ kind: "label", text: answer });
    $("probe-tokens").replaceChildren(...tokens.map(drawnToken), asked, wanted);
    $("probe-text").textContent = `probe ${this.sequence + 1} of ${this.probe.length}`;
    for (const id of ["probe-previous", "probe-next"]) $(id).hidden = this.probe.length < 2;
    $("large-map").replaceChildren(largeMap(tokens));
    $("probe").classList.remove("unknown");
  }

  #draw() {
    for (const button of document.querySelectorAll("#head-maps button")) {
      const [layer, head] = [Number(button.dataset.layer), Number(button.dataset.head)];
      const selected = layer === this.layer && head === this.head;
      button.setAttribute("aria-pressed", String(selected));
      if (this.frames.shown) {
        fillSmall(button.firstElementChild, this.#pattern(layer, head), this.#shade);
      }
      if (selected) {
        $("selected-name").textContent = button.dataset.name;
        $("selected-clamp").textContent = button.dataset.clamp && `clamped: ${button.dataset.clamp}`;
      }
    }
    if (!this.frames.shown || !this.hasProbe) return;
    const pattern = this.#pattern(this.layer, this.head);
    fillLarge($("large-map"), pattern, this.#shade);
    this.#drawQuery(pattern.at(-1));
    this.#say();
  }

  #pattern(layer, head) {
    return this.frames.shown.patterns[layer][head][this.sequence];
  }

  /** Where the query attends among the labels. */
  #drawQuery(row) {
    const { tokens, answer } = this.probe[this.sequence];
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
    const { shown, sequences } = this.frames;
    const place = sequences.indexOf(shown.sequences) + 1;
    const at = `${grouped(shown.sequences)} sequences`;
    $("frame-text").textContent = `frame ${place} of ${sequences.length} · ${at}`;
    $("frame-slider").setAttribute("aria-valuetext", at);
    const strengths = this.onShow(this.frames);
    const { induction, previous } = strengths(this.layer, this.head);
    this.#number("induction", induction);
    this.#number("previous", previous);
    for (const button of document.querySelectorAll("#head-maps button")) {
      const layer = Number(button.dataset.layer);
      const of = strengths(layer, Number(button.dataset.head));
      const strength = layer === this.layers - 1 ? of.induction : of.previous;
      const percent = `${(100 * Math.max(strength ?? 0, 0)).toFixed(1)}%`;
      button.style.setProperty("--strength", percent);
    }
  }
}
