// One server-sent event stream for a page. It says itself after which point it wants to go on
// (browsers forget Last-Event-ID when they rebuild a connection), drops what it already has, waits
// longer after every failure, and lets go of the connection while nobody looks: browsers allow six
// per server.

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const HIDDEN_GRACE = 5_000;

export class Stream {
  #source = null;
  #timer = null;
  #hideTimer = null;
  #failures = 0;

  /**
   * @param {string} url
   * @param {number | {take: Function, toString: Function}} after the `sequences` of the newest point
   *   that the page already shows; or what keeps such places for several runs and takes from what
   *   comes that which is new
   * @param {{measurements: Function, run: Function, frames: Function, state: Function}} listener
   */
  constructor(url, after, listener) {
    this.url = url;
    this.after = after;
    this.listener = listener;
    this.state = "";
    this.heardAt = null;
    document.addEventListener("visibilitychange", () => this.#looked());
    // A page that the browser keeps to go back to must not hold a connection; `pageshow` brings it
    // back.
    addEventListener("pagehide", () => this.#drop());
    addEventListener("pageshow", (event) => event.persisted && this.#open());
    if (document.hidden) this.#say("paused");
    else this.#open();
  }

  #open() {
    // Also ends a retry that is due: a page that is looked at again opens at once, and only once.
    this.#drop();
    if (this.state === "finished") return;
    if (!this.state) this.#say("connecting");
    const joint = this.url.includes("?") ? "&" : "?";
    // `after` is read now: what came since the first connection is not asked for again.
    const source = new EventSource(`${this.url}${joint}after=${this.after}`);
    this.#source = source;
    source.onopen = () => {
      this.#failures = 0;
      this.#heard();
      this.#say("live");
    };
    // Also for errors that the browser would retry by itself: it would use the address of before,
    // and all tabs would come back at the same moment after a restart of the server.
    source.onerror = () => source === this.#source && this.#retry();
    this.#listen(source, "run", (run) => this.listener.run(run));
    this.#listen(source, "measurement", (measurement) => this.#points([measurement]));
    this.#listen(source, "measurements", (measurements) => this.#points(measurements));
    this.#listen(source, "frame", (frame) => this.listener.frames([frame.sequences]));
    this.#listen(source, "frames", (frames) => this.listener.frames(frames.sequences));
    this.#listen(source, "done", () => this.#finish());
  }

  #listen(source, kind, act) {
    source.addEventListener(kind, (event) => {
      // Events of a source that was closed may be on their way already; its successor brings them
      // again.
      if (source !== this.#source) return;
      this.#heard();
      act(JSON.parse(event.data));
    });
  }

  #points(measurements) {
    const fresh = this.#take(measurements);
    // What was taken counts as shown from here on, whatever the listener does with it: a point
    // that it fails to draw is not asked for again.
    if (fresh.length) this.listener.measurements(fresh);
  }

  /** What the page does not have yet. */
  #take(measurements) {
    if (typeof this.after === "object") return this.after.take(measurements);
    // A page that was just drawn may hold them, and so may a stream that was opened twice.
    const fresh = measurements.filter(({ sequences }) => sequences > this.after);
    this.after = fresh.at(-1)?.sequences ?? this.after;
    return fresh;
  }

  #retry() {
    this.#drop();
    this.#say("reconnecting");
    const longest = Math.min(FIRST_WAIT * 2 ** this.#failures, LONGEST_WAIT);
    this.#failures += 1;
    // By chance, so that all pages of a server that was restarted do not come at once.
    this.#timer = setTimeout(() => this.#open(), longest * (0.7 + 0.6 * Math.random()));
  }

  #looked() {
    clearTimeout(this.#hideTimer);
    if (this.state === "finished") return;
    if (document.hidden) {
      // A grace, so that whoever looks at another tab for a moment does not begin anew.
      this.#hideTimer = setTimeout(() => {
        this.#drop();
        this.#say("paused");
      }, HIDDEN_GRACE);
    } else if (this.#source === null) {
      // Dropped, or waiting for a retry; a source that lives is kept.
      this.#failures = 0;
      this.#open();
    }
  }

  #finish() {
    this.#drop();
    this.#say("finished");
  }

  #drop() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #heard() {
    this.heardAt = Date.now();
  }

  #say(state) {
    this.state = state;
    this.listener.state(state);
  }
}
