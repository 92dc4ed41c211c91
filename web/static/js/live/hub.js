// What several pages follow, over as few connections as there can be: browsers allow six to a
// server, and a tab that waited for a seventh would show nothing.
//
// Pages speak to it through ports: `follow` says which runs and past which places, `here` that the
// page is still there, `leave` that it does not look any more. They are told every event of their
// runs, some twice: each page knows itself what it has.

import { Line } from "./line.js";

const MOST_RUNS = 200; // of one address, which proxies refuse from about 8 kB on
const GATHER = 20; // milliseconds; a page that replaces another leaves just before the next comes
const STATES = ["refused", "reconnecting", "connecting", "live"]; // of connections, the worst first
const SILENT = 60_000; // milliseconds after which a page is gone that did not say so: it crashed

export class StreamHub {
  #followers = new Map(); // of every port its runs and when it was heard
  #places = new Map(); // of every run the place that all who follow it have reached
  #lines = [];
  #timer = null;

  constructor() {
    setInterval(() => this.#forgetTheSilent(), SILENT / 2);
  }

  add(port) {
    port.onmessage = ({ data }) => this.#hear(port, data);
  }

  #hear(port, { act, url, places }) {
    const follower = this.#followers.get(port);
    if (act === "follow") this.#follow(port, url, Object.entries(places));
    else if (act === "leave") this.#leave(port);
    else if (follower) follower.heardAt = Date.now();
    if (act === "here") port.postMessage({ kind: "here", isKnown: follower !== undefined });
  }

  #follow(port, url, places) {
    this.url = url;
    this.#followers.set(port, { runs: new Set(places.map(([runId]) => runId)), heardAt: Date.now() });
    const isNew = ([runId, place]) => !(this.#places.get(runId) <= place);
    const lacking = places.filter(isNew);
    for (const [runId, place] of lacking) this.#places.set(runId, place);
    if (lacking.length) return this.#reopen();
    // All of it comes already.
    this.#tellState(port);
    for (const line of this.#lines) line.hurry();
  }

  #leave(port) {
    if (!this.#followers.delete(port)) return;
    const wanted = new Set([...this.#followers.values()].flatMap(({ runs }) => [...runs]));
    const unwanted = [...this.#places.keys()].filter((runId) => !wanted.has(runId));
    for (const runId of unwanted) this.#places.delete(runId);
    if (unwanted.length) this.#reopen();
  }

  #forgetTheSilent() {
    for (const [port, { heardAt }] of [...this.#followers]) {
      if (Date.now() - heardAt > SILENT) this.#leave(port);
    }
  }

  /** Connections for what is followed now. */
  #reopen() {
    // At once: an event that came until the new ones are open would move a place past what the
    // page lacks that just came.
    for (const line of this.#lines) line.close();
    this.#lines = [];
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#open(), GATHER);
  }

  #open() {
    const runs = [...this.#places.keys()];
    const listener = {
      told: (name, event) => this.#told(name, event),
      changed: (line) => {
        for (const [port] of this.#followersOf(line.runs)) this.#tellState(port);
      },
    };
    for (let at = 0; at < runs.length; at += MOST_RUNS) {
      this.#lines.push(new Line(this.url, runs.slice(at, at + MOST_RUNS), this.#places, listener));
    }
  }

  #told(kind, { run_id: runId, data }) {
    const told = this.#followersOf([runId]);
    for (const [port] of told) port.postMessage({ kind, runId, data });
    const last = kind.startsWith("measurement") ? [data].flat().at(-1).sequences : -1;
    if (kind === "ended") {
      this.#places.delete(runId);
      for (const [, { runs }] of told) runs.delete(runId);
    } else if (last > this.#places.get(runId)) this.#places.set(runId, last);
  }

  #followersOf(some) {
    return [...this.#followers].filter(([, { runs }]) => some.some((runId) => runs.has(runId)));
  }

  /** To a page how it stands with the connections of its runs. */
  #tellState(port) {
    const { runs } = this.#followers.get(port);
    const lines = this.#lines.filter((line) => line.runs.some((runId) => runs.has(runId)));
    const worst = STATES.map((state) => lines.find((line) => line.state === state)).find(Boolean);
    // While one is being made, the page stays what it is.
    if (!worst || worst.state === "connecting") return;
    port.postMessage({ kind: "state", state: worst.state, detail: worst.detail });
  }
}
