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
    // What comes until the draw begins goes along with it.
    if (this.#scheduled) return;
    this.#scheduled = true;
    const wait = Math.max(0, this.#nextDraw - performance.now());
    // Not before the screen is drawn, and not while anything else is. In a hidden tab no frame
    // comes: points gather until it is looked at.
    setTimeout(() => requestAnimationFrame(() => this.alone(() => this.#drawPending())), wait);
  }

  /** Does some work while nothing else is drawn; one after the other. */
  alone(work) {
    // A queue of promises: figures that are replaced and points that are appended never overlap,
    // or points would go into a figure that is on its way out.
    const done = this.#work.then(work);
    this.#work = done.catch(reportError); // the next one is done all the same
    return this.#work;
  }

  /** What has come is drawn now, whether or not anybody looks. */
  flush() {
    return this.alone(() => this.#drawPending());
  }

  async #drawPending() {
    const begun = performance.now();
    // Taken when its turn has come, not when it was scheduled: what a figure that was replaced
    // meanwhile holds already is dropped by the charts.
    const batch = this.#pending;
    this.#pending = [];
    // Before the draw, which awaits: what comes during it is scheduled for the next.
    this.#scheduled = false;
    if (batch.length) await this.draw(batch);
    this.#nextDraw = begun + Math.max(DRAW_EVERY, (performance.now() - begun) / DRAW_SHARE);
  }
}
