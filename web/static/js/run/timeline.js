// The time line at the foot of a run's page: what the hand does on it, and the place on show, there
// and in all that holds at some place of the run.

import { below, heightOf, joined } from "../charts/loss_line.js";
import { grouped, nats, short } from "../common/format.js";
import { stepOf } from "../common/slider_keys.js";
import { markInForce } from "./in_force.js";

const [WIDTH, HEIGHT] = [1000, 36]; // of the drawing, as in app/services/charts/timeline.py
const KEPT = 500; // points that came last, more than between a question to the server and its answer
const LISTS = ["story", "events", "checkpoints"]; // whose parts hold from some place on

const $ = (id) => document.getElementById(id);

export class Timeline {
  #came = []; // measurements, the latest of those that came
  #isHeld = false; // the hand is on the handle: nothing but the hand moves it

  /** @param {import("./attention.js").Attention} attention
   *  @param {object} data the page's data */
  constructor(attention, data) {
    this.attention = attention;
    this.frames = attention.frames;
    this.total = data.total_sequences;
    this.mark(data.run.phase_change);
    const calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.frames.isCalm = calm.matches;
    calm.addEventListener("change", ({ matches }) => (this.frames.isCalm = matches));
    this.#wire();
    attention.addEventListener("drawn", () => this.#place());
    this.frames.addEventListener("changed", () => this.#show());
    document.addEventListener("htmx:after:swap", () => this.#redrawn());
  }

  /** The phase change as it is known by now. */
  mark(change) {
    this.frames.change = change;
  }

  #wire() {
    const slider = $("frame-slider");
    slider.addEventListener("input", () => this.frames.goTo(Number(slider.value)));
    slider.addEventListener("pointerdown", () => (this.#isHeld = true));
    for (const kind of ["change", "pointerup", "pointercancel"]) slider.addEventListener(kind, () => this.#release());
    slider.addEventListener("keydown", (event) => {
      const by = stepOf(event);
      if (by) this.frames.step(by);
    });
    slider.addEventListener("step", (event) => {
      event.preventDefault(); // of the page's keys: by a frame, and not by a sequence
      this.frames.step(event.detail);
    });
    $("follow-live").addEventListener("click", () => this.frames.toggleFollowing());
    $("frame-play").addEventListener("click", () => this.frames.togglePlaying());
  }

  /** The handle goes to the frame that is nearest to where it was let go. */
  #release() {
    this.#isHeld = false;
    this.#show();
  }

  /** What can be done, and where the handle is. */
  #show() {
    const { sequences, following, isPlaying, target } = this.frames;
    const slider = $("frame-slider");
    slider.disabled = $("frame-play").disabled = sequences.length < 2;
    $("follow-live").setAttribute("aria-pressed", String(following));
    $("frame-play").classList.toggle("playing", isPlaying);
    $("frame-play").setAttribute("aria-label", isPlaying ? "Stop" : "Play the frames");
    if (!this.#isHeld && !this.frames.isPreview) slider.value = target ?? 0;
  }

  /** The place on show, wherever the page has something of it. */
  #place() {
    const { shown, sequences, place, following, isPreview } = this.frames;
    const at = shown.sequences;
    const loss = nats(shown.loss[this.#series] ?? NaN);
    $("frame-text").textContent = `frame ${place} of ${sequences.length} · ${grouped(at)} sequences`;
    $("frame-loss").textContent = `loss on new classes ${loss}`;
    $("frame-slider").setAttribute("aria-valuetext", `${grouped(at)} sequences, loss on new classes ${loss} nats${this.#said(at)}`);
    if (!this.#isHeld && isPreview) $("frame-slider").value = at;
    $("timeline-place").hidden = false;
    $("timeline-place").textContent = short(at);
    $("timeline-place").parentElement.style.setProperty("--share", at / this.#end);
    this.#mark(following && !isPreview ? null : at);
  }

  #said(at) {
    const { onset, end } = this.frames.change;
    return onset !== null && at >= onset && (end === null || at < end) ? ", in the phase change" : "";
  }

  /** What holds there; of a page that follows the newest nothing needs to be said to. */
  #mark(at) {
    $("run-grid").classList.toggle("is-placed", at !== null);
    $("run-grid").style.setProperty("--place", (at ?? 0) / this.total);
    markInForce(LISTS.map($), at);
  }

  get #end() {
    return Number($("timeline-drawing").dataset.end);
  }

  /** Which of the losses the line is of. */
  get #series() {
    return Number($("timeline-drawing").dataset.series);
  }

  /** After the server's drawing, and what is marked in lists, were replaced. */
  #redrawn() {
    this.#drawOn(); // what the server drew may be older than points that have come
    $("frame-slider").max = this.#end;
    $("frame-slider").title = $("timeline-says").textContent;
    this.#show();
    if (this.frames.shown) this.#place();
  }

  /** Draws the line on to points that came, until the server draws it anew. */
  extend(measurements) {
    this.#came = [...this.#came, ...measurements].slice(-KEPT);
    this.#drawOn();
  }

  /** Points that came and are not in the drawing yet: the server's may hold some that it told of. */
  #drawOn() {
    const { dataset } = $("timeline-drawing");
    const [top, bottom] = [Number(dataset.top), Number(dataset.bottom)];
    const [line, area] = ["line", "area"].map((name) => $("timeline-drawing").querySelector(`.${name}`));
    for (const { sequences, loss } of this.#came) {
      const shown = loss[this.#series];
      if (sequences <= dataset.latest || !Number.isFinite(shown)) continue;
      dataset.latest = sequences;
      dataset.most ||= Math.max(shown, 1e-9);
      const y = heightOf(shown, { top, bottom, most: dataset.most });
      line.setAttribute("d", joined(line.getAttribute("d"), (WIDTH * sequences) / this.#end, y));
    }
    area.setAttribute("d", below(line.getAttribute("d"), HEIGHT));
  }
}
