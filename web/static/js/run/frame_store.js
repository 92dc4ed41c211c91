// Frames of a run as the API gives them: each is fetched once, the last to come are kept.

import { read } from "../common/answers.js";

const KEPT = 400; // frames in memory
const WARMED = 24; // frames that are fetched ahead, spread over the training

export class FrameStore {
  #cache = new Map();
  #coming = new Map();
  #isWarm = false;

  constructor(url) {
    this.url = url;
  }

  /** The last frame at or before a place; null where there is none or the server is away. */
  load(sequences) {
    const known = this.#cache.get(sequences);
    if (known) return Promise.resolve(known);
    // Two wishes for one frame are one request.
    if (!this.#coming.has(sequences)) {
      const coming = this.#fetch(sequences).finally(() => this.#coming.delete(sequences));
      this.#coming.set(sequences, coming);
    }
    return this.#coming.get(sequences);
  }

  /** The frame asked for at a place before, if it is still there. */
  peek(sequences) {
    return this.#cache.get(sequences) ?? null;
  }

  /** Of the frames that are here, the one nearest to a place. */
  nearest(sequences) {
    let best = null;
    for (const frame of this.#cache.values()) {
      const isNearer = (one) => Math.abs(one.sequences - sequences) < Math.abs(best.sequences - sequences);
      if (!best || isNearer(frame)) best = frame;
    }
    return best;
  }

  /** Fetches some frames ahead, one after the other; once. */
  async warm(places) {
    if (this.#isWarm) return;
    // Before the first await: a second move of the pointer would begin again.
    this.#isWarm = true;
    const step = Math.max((places.length - 1) / (WARMED - 1), 1);
    for (let index = 0; index < places.length; index += step) await this.load(places[Math.round(index)]);
  }

  async #fetch(sequences) {
    const frame = await read(`${this.url}?sequences=${sequences}`);
    // Not kept: a frame that is not there now may be at the next wish.
    if (!frame) return null;
    // A Map keeps the order in which frames came: the first to come is the first to go.
    if (this.#cache.size >= KEPT) this.#cache.delete(this.#cache.keys().next().value);
    this.#cache.set(sequences, frame);
    return frame;
  }
}
