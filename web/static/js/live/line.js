// One connection, for the events of some runs: comes back by itself, later after every failure.

import { readEvents, Refusal } from "./sse.js";

const FIRST_WAIT = 500;
const LONGEST_WAIT = 15_000;
const GONE = 404;

export class Line {
  #leaving = new AbortController();
  #isDone = false;
  #failures = 0;
  #hurry = () => {};
  state = "connecting";
  detail = "";

  /**
   * @param {string} url
   * @param {string[]} runs
   * @param {Map<string, number>} places how far each run was heard; read whenever a connection is made
   * @param {{told: (name: string, event: object) => void, changed: Function}} listener
   */
  constructor(url, runs, places, listener) {
    this.url = url;
    this.runs = runs;
    this.places = places;
    this.listener = listener;
    this.#stay();
  }

  close() {
    this.#leaving.abort();
    this.#hurry();
  }

  /** Somebody looks: a retry that waits is made now. */
  hurry() {
    this.#failures = 0;
    this.#hurry();
  }

  get #isOver() {
    return this.#isDone || this.#leaving.signal.aborted;
  }

  async #stay() {
    while (!this.#isOver) {
      try {
        await this.#read();
      } catch (error) {
        if (this.#isOver) return;
        if (error instanceof Refusal && !error.isPassing) return this.#refused(error);
      }
      if (!this.#isOver) await this.#wait();
    }
  }

  #read() {
    // Of runs that have ended there is nothing to ask any more.
    const asked = this.runs.filter((runId) => this.places.has(runId));
    if (!asked.length) {
      this.#isDone = true;
      return null;
    }
    const after = asked.map((runId) => this.places.get(runId));
    return readEvents(`${this.url}?runs=${asked.join(",")}&after=${after.join(",")}`, {
      signal: this.#leaving.signal,
      opened: () => {
        this.#failures = 0;
        this.#say("live");
      },
      told: (name, event) => this.#told(name, event),
    });
  }

  #told(name, event) {
    // Its successor asks for what was on its way to one that is closed.
    if (this.#leaving.signal.aborted) return;
    if (name === "done") this.#isDone = true;
    else this.listener.told(name, event);
  }

  #wait() {
    this.#say("reconnecting");
    const longest = Math.min(FIRST_WAIT * 2 ** this.#failures, LONGEST_WAIT);
    this.#failures += 1;
    return new Promise((resolve) => {
      this.#hurry = resolve;
      // By chance, so that all browsers of a server that was restarted do not come at once.
      setTimeout(resolve, longest * (0.7 + 0.6 * Math.random()));
    });
  }

  #refused({ status, message }) {
    if (status !== GONE) return this.#say("refused", message);
    this.#isDone = true;
    // None of them is there any more. One that is gone among others is ended by the server.
    for (const run_id of this.runs) this.listener.told("ended", { run_id, data: { state: "deleted" } });
  }

  #say(state, detail = "") {
    this.state = state;
    this.detail = detail;
    if (!this.#leaving.signal.aborted) this.listener.changed(this);
  }
}
