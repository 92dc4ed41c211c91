// Whether what is on screen is up to date: the dot in the bar.

import { age, clock } from "./format.js";
import { toast } from "./toasts.js";

const STALE = 30_000; // milliseconds; a stream that lives says something every 10 seconds
const TICK = 250;

export class Connection {
  #heardAt = Date.now();
  #state = "connecting";
  changed = () => {};
  ended = () => "finished"; // what is said once nothing comes any more

  /**
   * @param {Element} element
   * @param {() => number | null} [lastHeard] when its stream said something last, if it has one
   */
  constructor(element, lastHeard = () => null) {
    this.element = element;
    this.lastHeard = lastHeard;
    // By the clock and not by events: that nothing comes any more is no event.
    setInterval(() => this.#show(), TICK);
  }

  /** Something came. */
  heard(at = Date.now()) {
    this.#heardAt = at;
    this.say("live");
  }

  /**
   * @param {"connecting" | "live" | "reconnecting" | "refused" | "paused" | "finished"} state
   * @param {string} [why] of a refusal, which stays until the page is opened or looked at again
   */
  say(state, why = "") {
    const isNew = state !== this.#state;
    if (isNew) this.changed(state);
    this.#state = state;
    this.#show();
    if (!isNew || state !== "refused") return;
    toast({ title: "What is new does not come to this page", text: why, tone: "bad", seconds: 0 });
  }

  #show() {
    // The later of two: what the page heard by itself, and what its stream did.
    this.#heardAt = Math.max(this.#heardAt, this.lastHeard() ?? 0);
    const silent = Date.now() - this.#heardAt;
    const isStale = this.#state === "live" && silent > STALE;
    this.element.dataset.state = isStale ? "stale" : this.#state;
    const text = isStale ? `stale since ${clock(this.#heardAt)}` : this.#text(silent);
    if (this.element.textContent !== text) this.element.textContent = text;
    this.element.title = text; // narrow screens show the dot alone
  }

  #text(silent) {
    if (this.#state === "live") return `live · ${age(silent / 1000)}`;
    if (this.#state === "refused") return "not live: refused by the server";
    if (this.#state === "reconnecting") return `reconnecting · last ${clock(this.#heardAt)}`;
    return this.#state === "finished" ? this.ended() : this.#state;
  }
}
