// Points on their way to the charts: gathered, drawn in one go, and held back while figures are
// replaced, since those that the server sends may hold them already.

const DRAW_EVERY = 150; // milliseconds; less than the 250 for which a trainer gathers measurements
const DRAW_SHARE = 0.5; // of the time, at most, goes into drawing

export class Feed {
  #pending = [];
  #scheduled = false;
  #nextDraw = 0;
  #work = Promise.resolve();

  /** @param {(measurements: object[]) => Promise} draw */
  constructor(draw) {
    this.draw = draw;
  }

  receive(measurements) {
    this.#pending.push(...measurements);
    if (this.#scheduled) return;
    this.#scheduled = true;
    const wait = Math.max(0, this.#nextDraw - performance.now());
    setTimeout(() => requestAnimationFrame(() => this.alone(() => this.#drawPending())), wait);
  }

  /** Does some work while nothing else is drawn; one after the other. */
  alone(work) {
    const done = this.#work.then(work);
    this.#work = done.catch(reportError); // the next one is done all the same
    return this.#work;
  }

  async #drawPending() {
    const begun = performance.now();
    const batch = this.#pending;
    this.#pending = [];
    this.#scheduled = false;
    if (batch.length) await this.draw(batch);
    this.#nextDraw = begun + Math.max(DRAW_EVERY, (performance.now() - begun) / DRAW_SHARE);
  }
}
