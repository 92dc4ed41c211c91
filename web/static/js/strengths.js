// Strengths of all heads over the whole run, while the charts show only a part of it.

const MOST = 6000; // points; beyond, the server's thinned ones replace them

export class Strengths {
  #whole = null; // what the API has, and what came since
  #loading = null;
  loaded = () => {};

  constructor(url) {
    this.url = url;
  }

  /** Fetches them, once. */
  load() {
    this.#loading ??= this.#fetch();
    return this.#loading;
  }

  async #fetch() {
    try {
      const answer = await fetch(`${this.url}/heads`);
      if (!answer.ok) return;
      this.#whole = await answer.json();
      this.loaded();
    } catch {
      this.#loading = null; // the server is away; it is asked again
    }
  }

  append(measurements) {
    if (!this.#whole) return;
    for (const one of measurements) {
      if (one.sequences <= (this.#whole.sequences.at(-1) ?? -1)) continue;
      for (const name of ["sequences", "induction_strength", "previous_token_strength"]) {
        this.#whole[name].push(one[name]);
      }
    }
    if (this.#whole.sequences.length > MOST) this.#fetch();
  }

  /** The strength of a head at a place, or the last one before it. */
  at(name, layer, head, sequences) {
    if (!this.#whole) return null;
    const index = this.#whole.sequences.findLastIndex((place) => place <= sequences);
    return this.#whole[`${name}_strength`][index]?.[layer][head] ?? null;
  }
}
