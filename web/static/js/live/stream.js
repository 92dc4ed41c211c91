// What a page hears of its runs. It says itself past which points it wants to go on, drops what it
// already has, and lets go while nobody looks.

import { ownPort, sharedPort } from "./port.js";

const HIDDEN_GRACE = 5_000;
const SAY_HERE = 15_000;
const ANSWER = 10_000; // milliseconds within which a hub says that it is there

export class Stream {
  #port = null;
  #hideTimer = null;
  #deadline = null;
  #connect = () => sharedPort() ?? ownPort();

  /**
   * @param {string} url the address of the events of several runs
   * @param {Object<string, number>} places of every run the `sequences` of the newest point that the
   *   page already shows
   * @param {{measurements: Function, run: Function, frames: Function, state: Function}} listener
   *   `measurements` takes `[{runId, measurements}]`, `frames` places and whose they are, `state` a word and why
   */
  constructor(url, places, listener) {
    this.url = url;
    this.places = new Map(Object.entries(places));
    this.listener = listener;
    this.state = "";
    this.heardAt = null;
    document.addEventListener("visibilitychange", () => this.#looked());
    // A page that the browser keeps to go back to must not be waited for; `pageshow` brings it back.
    addEventListener("pagehide", () => this.#leave());
    addEventListener("pageshow", (event) => event.persisted && this.#follow());
    setInterval(() => this.#port && this.#ask(), SAY_HERE);
    if (document.hidden) this.#say("paused");
    else this.#follow();
  }

  #follow() {
    if (this.state === "finished") return;
    if (["", "paused", "refused"].includes(this.state)) this.#say("connecting");
    this.#port ??= this.#open();
    this.#post({ act: "follow", url: this.url, places: Object.fromEntries(this.places) });
    this.#ask();
  }

  #open() {
    const port = this.#connect();
    port.onmessage = ({ data }) => port === this.#port && this.#hear(data);
    return port;
  }

  #post(message) {
    this.#port.postMessage(message);
  }

  /** Asks whether the hub is there; and tells it that this page is. */
  #ask() {
    this.#post({ act: "here" });
    this.#deadline ??= setTimeout(() => this.#helpItself(), ANSWER);
  }

  /** Whatever is wrong with the hub that all tabs share: this page has one of its own from now on. */
  #helpItself() {
    this.#leave();
    this.#connect = ownPort;
    this.#follow();
  }

  #hear({ kind, runId, data, state, detail, isKnown }) {
    if (kind === "here") {
      clearTimeout(this.#deadline);
      this.#deadline = null;
      // A computer that slept, or a page that a debugger held: it was taken for dead.
      return isKnown || this.#follow();
    }
    if (kind === "state") return this.#say(state, detail);
    this.heardAt = Date.now();
    if (kind === "run") this.listener.run(data);
    else if (kind === "measurement" || kind === "measurements") this.#points(runId, [data].flat());
    else if (kind === "frame") this.listener.frames([data.sequences], runId);
    else if (kind === "frames") this.listener.frames(data.sequences, runId);
    else if (kind === "ended") this.#ended(runId);
  }

  #points(runId, measurements) {
    // What is not on the page yet: other tabs may be behind this one, and a connection that is
    // made for them brings again what it has.
    const fresh = measurements.filter(({ sequences }) => sequences > this.places.get(runId));
    if (!fresh.length) return;
    // What was taken counts as shown from here on, whatever the listener does with it: a point
    // that it fails to draw is not asked for again.
    this.places.set(runId, fresh.at(-1).sequences);
    this.listener.measurements([{ runId, measurements: fresh }]);
  }

  #ended(runId) {
    this.places.delete(runId);
    if (this.places.size) return;
    this.#leave();
    this.#say("finished");
  }

  #looked() {
    clearTimeout(this.#hideTimer);
    if (this.state === "finished") return;
    if (!document.hidden) return this.#follow();
    // A grace, so that whoever looks at another tab for a moment does not begin anew.
    this.#hideTimer = setTimeout(() => {
      if (this.state === "finished") return;
      this.#leave();
      this.#say("paused");
    }, HIDDEN_GRACE);
  }

  #leave() {
    clearTimeout(this.#deadline);
    this.#deadline = null;
    if (!this.#port) return;
    this.#post({ act: "leave" });
    this.#port.close();
    this.#port = null;
  }

  #say(state, detail = "") {
    if (state === "live") this.heardAt = Date.now();
    this.state = state;
    this.listener.state(state, detail);
  }
}
