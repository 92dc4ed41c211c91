// Which frame is on show: the slider over them, following the newest, playing, and the one under
// the pointer while it is over a chart.

import { cursor } from "../charts/cursor.js";
import { FrameStore } from "./frame_store.js";

const $ = (id) => document.getElementById(id);
const PLAY_EVERY = 120; // milliseconds a frame

/** Events: `shown` when there is another frame to draw, `moved` when the hand chose another place
 *  or whether to follow. */
export class Frames extends EventTarget {
  #at = 0;
  #fetching = false;
  #playing = null;

  /** @param {string} url of the API's frames
   *  @param {number[]} sequences of the frames that there are */
  constructor(url, sequences) {
    super();
    this.store = new FrameStore(url);
    this.sequences = sequences;
    this.following = true;
    this.isPreview = false; // whether it is but the pointer that chose the frame on show
    this.shown = null; // the frame as the API gives it
    $("frame-slider").addEventListener("input", ({ target }) => this.#choose(Number(target.value)));
    $("follow-live").addEventListener("click", () => this.#toggle());
    $("frame-play").addEventListener("click", () => (this.#playing ? this.#stop() : this.#play()));
    cursor.subscribe((place) => this.#preview(place));
  }

  /** The frame that was chosen; the one on show may lag behind it, or be a preview. */
  get target() {
    return this.sequences[this.#at];
  }

  /** The number of the frame on show, from 1. */
  get place() {
    return this.sequences.indexOf(this.shown.sequences) + 1;
  }

  start() {
    this.#resize();
  }

  add(sequences) {
    // The same frames come twice: from the stream, and from the look that the page takes when a
    // stream is back.
    const known = new Set(this.sequences);
    const fresh = sequences.filter((one) => !known.has(one));
    if (!fresh.length) return;
    // By its sequences, since new frames move its index.
    const at = this.target;
    this.sequences = [...this.sequences, ...fresh].sort((a, b) => a - b);
    this.#resize(at);
  }

  /** Shows the frame nearest to `sequences` and stops following. */
  goTo(sequences) {
    if (this.sequences.length) this.#choose(this.#nearest(sequences));
  }

  #nearest(sequences) {
    const distance = (index) => Math.abs(this.sequences[index] - sequences);
    let best = 0;
    for (let i = 1; i < this.sequences.length; i += 1) if (distance(i) < distance(best)) best = i;
    return best;
  }

  #resize(at) {
    const slider = $("frame-slider");
    slider.max = Math.max(this.sequences.length - 1, 0);
    slider.disabled = $("frame-play").disabled = this.sequences.length < 2;
    if (this.following) this.#latest();
    else this.#move(Math.max(this.sequences.indexOf(at), 0));
    if (this.shown) this.#tell("shown");
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }

  #move(index) {
    this.#at = index;
    if (!this.isPreview) $("frame-slider").value = index;
  }

  #choose(index) {
    this.isPreview = false;
    this.#stop();
    this.#follow(false);
    this.#move(index);
    this.#show();
  }

  #toggle() {
    this.#stop();
    this.#follow(!this.following);
    if (this.following) this.#latest();
  }

  #follow(on) {
    this.following = on;
    $("follow-live").setAttribute("aria-pressed", String(on));
    this.#tell("moved");
  }

  #latest() {
    this.#move(this.sequences.length - 1);
    this.#show();
  }

  #play() {
    this.isPreview = false;
    if (this.#at >= this.sequences.length - 1) this.#move(0);
    this.#follow(false);
    this.#showPlaying(true);
    this.#show();
    this.#playing = setInterval(() => {
      if (this.#at >= this.sequences.length - 1) this.#stop();
      // Goes on only when the frame on show has come: else playing would outrun a slow server.
      else if (this.store.peek(this.target)) {
        this.#move(this.#at + 1);
        this.#show();
      }
    }, PLAY_EVERY);
  }

  #stop() {
    if (this.#playing === null) return;
    clearInterval(this.#playing);
    this.#playing = null;
    this.#showPlaying(false);
    this.#tell("moved");
  }

  #showPlaying(on) {
    $("frame-play").classList.toggle("playing", on);
    $("frame-play").setAttribute("aria-label", on ? "Stop" : "Play the frames");
  }

  /** What the pointer is over in a chart, from the frames that are here already; null: no longer. */
  #preview(place) {
    if (this.#playing || !this.shown) return;
    this.isPreview = place !== null;
    if (!this.isPreview) {
      this.#move(this.#at);
      this.#show();
      return;
    }
    this.store.warm(this.sequences);
    const frame = this.store.nearest(place);
    $("frame-slider").value = this.#nearest(frame.sequences);
    this.#draw(frame);
  }

  #draw(frame) {
    if (this.shown === frame) return;
    this.shown = frame;
    this.#tell("shown");
  }

  /** Shows the chosen frame; while one is on its way, only the newest wish is remembered. */
  async #show() {
    if (this.#fetching || !this.sequences.length) return;
    this.#fetching = true;
    try {
      let frame = null;
      // The target may have moved during the fetch. Relies on each of `sequences` being a frame:
      // the server answers with the last one before, and this would ask for ever.
      while (frame?.sequences !== this.target) {
        frame = await this.store.load(this.target);
        if (!frame) break;
        // Asked after the fetch: the pointer may have entered a chart meanwhile.
        if (!this.isPreview) this.#draw(frame);
      }
    } finally {
      // Also after an error, or no frame would ever be shown again.
      this.#fetching = false;
    }
  }
}
