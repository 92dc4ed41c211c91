// The circuit at the frame on show: heads filled by their strengths, lines by how much of what a
// head writes a later one reads, and where the head in hand attends among the tokens.

import { Drawing } from "./circuit_drawing.js";
import { Scores } from "./compositions.js";
import { fixed } from "../common/format.js";
import { isLit } from "./lights.js";
import { drawnToken, element } from "./maps.js";

const $ = (id) => document.getElementById(id);
const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] };
const READINGS = { q: "query", k: "key", v: "value" };
const LEAST_ATTENTION = 0.04;

/** Event `moved`: another reading or zero of the lines was chosen. */
export class LiveCircuit extends EventTarget {
  constructor(attention) {
    super();
    this.attention = attention;
    this.reading = "k";
    this.over = "start";
    this.scores = new Scores(attention.frames);
    this.heads = [...document.querySelectorAll("#head-maps button")].map(headOf);
    this.drawing = new Drawing(attention.layers, this.heads);
    this.inHand = null; // the head under the pointer or in focus
    $("live-drawing").prepend(this.drawing.svg);
    this.#wire();
    this.#layOut();
    this.#pressed();
  }

  /** @param reading "q", "k" or "v"
   *  @param over what lines are counted from: "start", the first frame, or "chance" */
  choose(reading, over) {
    [this.reading, this.over] = [reading, over];
    this.#pressed();
    this.draw();
    this.dispatchEvent(new Event("moved"));
  }

  #pressed() {
    for (const button of document.querySelectorAll("#circuit-controls [data-reading]")) {
      button.setAttribute("aria-pressed", String(button.dataset.reading === this.reading));
    }
    $("circuit-over").value = this.over;
  }

  #wire() {
    const { svg } = this.drawing;
    this.attention.addEventListener("drawn", () => this.draw());
    this.attention.addEventListener("turned", () => this.#layOut());
    this.scores.addEventListener("came", () => this.draw());
    $("circuit-controls").addEventListener("click", ({ target }) => {
      const reading = target.closest("[data-reading]")?.dataset.reading;
      if (reading) this.choose(reading, this.over);
    });
    $("circuit-over").addEventListener("change", ({ target }) => this.choose(this.reading, target.value));
    for (const kind of ["pointerover", "focusin"]) svg.addEventListener(kind, (event) => this.#take(event));
    for (const kind of ["pointerleave", "focusout"]) svg.addEventListener(kind, () => this.#hold(null));
    svg.addEventListener("click", ({ target }) => this.#select(target));
    svg.addEventListener("keydown", (event) => this.#key(event));
  }

  /** Tokens below, in columns as wide as the arcs need them. */
  #layOut() {
    const tokens = this.attention.shownSequence?.tokens ?? [];
    $("circuit-tokens").replaceChildren(...tokens.map((token) => {
      const column = element("span");
      column.append(drawnToken(token));
      return column;
    }));
    $("circuit-tokens").classList.toggle("dense", tokens.length > 11);
  }

  /* What the hand does */

  #take({ target }) {
    const line = target.closest("[data-from]");
    if (line) return this.#say(this.#lineText(line.dataset));
    return this.#hold(this.#headAt(target));
  }

  #headAt(target) {
    const node = target.closest(".node");
    return node && this.heads[this.drawing.nodes.indexOf(node)];
  }

  #hold(head) {
    if (head === this.inHand) return;
    this.inHand = head;
    this.#mark();
  }

  #select(target) {
    const head = this.#headAt(target);
    if (head) this.attention.select(head.layer, head.head);
  }

  #key(event) {
    const head = this.#headAt(event.target);
    if (!head) return;
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      this.#select(event.target);
    }
    const [up, right] = MOVES[event.key] ?? [0, 0];
    const next = this.heads.findIndex((one) => one.layer === head.layer + up && one.head === head.head + right);
    if (!(up || right) || next < 0) return;
    event.preventDefault();
    this.drawing.nodes[next].focus();
  }

  /* Drawing */

  /** Lines as wide as on a page that is opened now: while a run trains their scale only grows. */
  settle() {
    this.scores.forget();
    this.draw();
  }

  draw() {
    const frame = this.attention.frames.shown;
    if (!frame) return;
    if (!$("circuit-tokens").childElementCount) this.#layOut();
    this.#fill(frame);
    this.#join(frame);
    this.#name(); // of this frame's lines
    this.#mark();
  }

  #fill({ induction_strength: induction, previous_token_strength: previous }) {
    this.heads.forEach((head, index) => {
      const node = this.drawing.nodes[index];
      head.strengths = { induction: induction[head.layer][head.head], previous: previous[head.layer][head.head] };
      this.drawing.fill(node, head.strengths);
      head.isLit = isLit(head.button, this.attention.frames.shown);
      node.classList.toggle("unlit", !head.isLit);
    });
  }

  #name() {
    this.heads.forEach((head, index) => this.drawing.nodes[index].setAttribute("aria-label", this.#headText(head)));
  }

  /** The strongest lines; of those that were drawn before, only the width changes. */
  #join(frame) {
    const { lines, full, note } = this.scores.of(frame, this.reading, this.over);
    this.lines = this.drawing.join(lines, full, (place) => this.#head(...place).hue);
    this.#explain(full, note);
  }

  #head(layer, head) {
    return this.heads.find((one) => one.layer === layer && one.head === head);
  }

  #explain(full, note) {
    const over = { start: "more than in the first frame", chance: "more than chance" }[this.over];
    const chance = `unrelated heads: ${fixed(this.scores.chance, 3)}`;
    $("circuit-full").textContent = full && `${READINGS[this.reading]} composition, ${fixed(full, 2)} ${over} (${chance})`;
    $("circuit-line").hidden = !full;
    $("circuit-note").textContent = note;
    $("circuit-note").hidden = !note;
  }

  /** Who is in hand or selected: its rim, its lines before the others, its arcs, its numbers. */
  #mark() {
    const { layer, head } = this.inHand ?? this.attention;
    const place = `${layer}.${head}`;
    this.drawing.svg.classList.toggle("in-hand", Boolean(this.inHand));
    this.heads.forEach((one, index) => {
      const isIt = one.layer === layer && one.head === head;
      const node = this.drawing.nodes[index];
      node.classList.toggle("is-it", isIt);
      node.setAttribute("tabindex", isIt ? 0 : -1);
    });
    for (const path of this.drawing.drawn.values()) {
      path.classList.toggle("of-it", path.dataset.from === place || path.dataset.to === place);
    }
    const it = this.#head(layer, head);
    if (!it.strengths || !this.attention.hasProbe) return;
    this.drawing.attend(this.attention.pattern(layer, head), it.hue, LEAST_ATTENTION);
    this.#say(this.#headText(it));
  }

  #say(text) {
    $("circuit-says").textContent = text;
  }

  /* Words */

  #headText({ layer, head, name, clamp, strengths, isLit: isOn }) {
    const numbers = `induction ${fixed(strengths.induction ?? NaN, 2)} · previous token ${fixed(strengths.previous ?? NaN, 2)}`;
    const strongest = this.lines?.find(({ to }) => to[0] === layer && to[1] === head);
    const reads = strongest
      ? ` · reads most from ${this.#head(...strongest.from).name} (${READINGS[this.reading]} composition ${fixed(strongest.score, 3)}; unrelated heads: ${fixed(this.scores.chance, 3)})`
      : "";
    return `${name}: ${numbers}${reads}${clamp && ` · clamped: ${clamp}${isOn ? "" : " (off in this frame)"}`}`;
  }

  #lineText({ from, to, score }) {
    const [below, above] = [from, to].map((place) => this.#head(...place.split(".").map(Number)).name);
    const first = this.scores.first(from, to, this.reading);
    const before = first === null ? "" : `, ${fixed(first, 3)} in the first frame`;
    const chance = fixed(this.scores.chance, 3);
    return `${above} reads ${below}: ${READINGS[this.reading]} composition ${fixed(Number(score), 3)} (unrelated heads: ${chance}${before})`;
  }
}

/** A head as the small maps have it. */
function headOf(button) {
  const { layer, head, name, clamp } = button.dataset;
  const tone = ["driven", "silenced", "preserved"].find((one) => button.classList.contains(`tone-${one}`)) ?? "none";
  const hue = button.querySelector("b").style.getPropertyValue("--hue");
  return { layer: Number(layer), head: Number(head), name, clamp, tone, hue, button };
}
