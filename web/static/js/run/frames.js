// Which frame is on show: the one that was chosen, the newest, those that playing goes through, or
// the one under the pointer while it is over a chart. What the time line shows of it is its affair.

import { cursor } from "../charts/cursor.js";
import { FrameStore } from "./frame_store.js";
import { nextStop } from "./pace.js";

const AWAITED = 30; // milliseconds between looks for a frame that playing waits for
const UNKNOWN = { onset: null, midpoint: null, end: null };

/** Events: `shown` when there is another frame to draw, `moved` when the hand chose another place
 *  or whether to follow, `changed` for any change of what can be chosen, follows or plays. */
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
    this.change = UNKNOWN; // the phase change, through which playing goes slowly
    this.isCalm = false; // whether playing goes from one thing to look at to the next
    this.following = true;
    this.isPreview = false; // whether it is but the pointer that chose the frame on show
    this.shown = null; // the frame as the API gives it
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

  get isPlaying() {
    return this.#playing !== null;
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

  /** Goes so many frames on, or back; as far as there are any. */
  step(by) {
    const last = this.sequences.length - 1;
    if (last >= 0) this.#choose(Math.min(Math.max(this.#at + by, 0), last));
  }

  toggleFollowing() {
    this.#stop();
    this.#follow(!this.following);
    if (this.following) this.#latest();
  }

  togglePlaying() {
    if (this.isPlaying) this.#stop();
    else this.#play();
  }

  #nearest(sequences) {
    const distance = (index) => Math.abs(this.sequences[index] - sequences);
    let best = 0;
    for (let i = 1; i < this.sequences.length; i += 1) if (distance(i) < distance(best)) best = i;
    return best;
  }

  #resize(at) {
    if (this.following) this.#latest();
    else this.#move(Math.max(this.sequences.indexOf(at), 0));
    if (this.shown) this.#tell("shown");
  }

  #tell(what) {
    this.dispatchEvent(new Event(what));
  }

  #move(index) {
    this.#at = index;
    this.#tell("changed");
  }

  #choose(index) {
    this.isPreview = false;
    this.#stop();
    this.#move(index);
    this.#follow(false);
    this.#show();
  }

  #follow(on) {
    this.following = on;
    this.#tell("changed");
    this.#tell("moved");
  }

  #latest() {
    this.#move(this.sequences.length - 1);
    this.#show();
  }

  #play() {
    this.isPreview = false;
    if (this.#at >= this.sequences.length - 1) this.#move(0);
    this.#playing = setTimeout(() => this.#goOn(), AWAITED);
    this.#follow(false);
    this.#show();
  }

  /** Goes on only when the frame on show has come: else playing would outrun a slow server. */
  #goOn() {
    const next = nextStop(this.sequences, this.#at, this.change, this.isCalm);
    if (next === null) return this.#stop();
    const hasCome = this.store.peek(this.target) !== null;
    this.#playing = setTimeout(() => this.#goOn(), hasCome ? next.wait : AWAITED);
    if (!hasCome) return;
    this.#move(next.index);
    this.#show();
  }

  #stop() {
    if (this.#playing === null) return;
    clearTimeout(this.#playing);
    this.#playing = null;
    this.#tell("changed");
    this.#tell("moved");
  }

  /** What the pointer is over in a chart, from the frames that are here already; null: no longer. */
  #preview(place) {
    if (this.isPlaying || !this.shown) return;
    this.isPreview = place !== null;
    if (!this.isPreview) {
      this.#move(this.#at);
      this.#show();
      return;
    }
    this.store.warm(this.sequences);
    this.#draw(this.store.nearest(place));
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
