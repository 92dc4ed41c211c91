// Composition scores of a frame as lines between heads, counted from chance or from the first frame.

const STEPS = [0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1]; // what the widest line may stand for
const NONE = { lines: [], full: null, note: "" };

/** Event `came`: the first frame is there, lines can be counted from it. */
export class Scores extends EventTarget {
  #first = null;
  #asked = false;
  #most = { start: 0, chance: 0 }; // the largest excess seen: the scale only grows

  constructor(frames) {
    super();
    this.frames = frames;
    this.chance = NaN;
  }

  /** Lines, widest first; what the widest stands for; and why there are none. */
  of(frame, reading, over) {
    const { composition } = frame;
    if (!composition) {
      return { ...NONE, note: "This frame is from before composition was recorded: no lines." };
    }
    this.chance = composition.chance;
    if (composition.k.length < 2) return { ...NONE, note: "A single layer has no lines: nothing lies below it." };
    const zero = over === "chance" ? () => composition.chance : this.#start();
    if (!zero) return NONE;
    this.#stretch(composition, zero, over);
    const lines = pairs(composition[reading])
      .map((pair) => ({ ...pair, excess: pair.score - zero(reading, pair) }))
      .filter(({ excess }) => Number.isFinite(excess))
      .sort((a, b) => b.excess - a.excess);
    return { lines, full: this.#full(over), note: "" };
  }

  /** The score of two heads in the first frame, if it is here; places as `layer.head`. */
  first(from, to, reading) {
    const [[l0, h0], [l1, h1]] = [from, to].map((place) => place.split(".").map(Number));
    return this.#first?.composition?.[reading][l1][h1][l0][h0] ?? null;
  }

  /** Scores of the first frame by pair; it is asked for once. */
  #start() {
    const composition = this.#first?.composition;
    if (composition) return (reading, { from, to }) => composition[reading][to[0]][to[1]][from[0]][from[1]] ?? NaN;
    if (!this.#asked) this.#ask();
    return this.#first ? () => this.chance : null; // it is from before scores were recorded
  }

  async #ask() {
    this.#asked = true;
    this.#first = await this.frames.store.load(this.frames.sequences[0]);
    if (this.#first) this.dispatchEvent(new Event("came"));
    else this.#asked = false; // the server is away; the next frame asks again
  }

  /** The scale begins anew: with the frame on show, as on a page that was just opened. */
  forget() {
    this.#most = { start: 0, chance: 0 };
  }

  /** One scale for all three readings, so that they can be compared. */
  #stretch(composition, zero, over) {
    for (const reading of ["q", "k", "v"]) {
      for (const pair of pairs(composition[reading])) {
        const excess = pair.score - zero(reading, pair);
        if (excess > this.#most[over]) this.#most[over] = excess;
      }
    }
  }

  #full(over) {
    return STEPS.find((step) => step >= this.#most[over]) ?? 1;
  }
}

/** Nested scores as a list; those that are no numbers are left out. */
function pairs(scores) {
  const found = [];
  scores.forEach((heads, layer) => heads.forEach((below, head) => below.forEach((earlier, from) => {
    earlier.forEach((score, other) => {
      if (score === null) return;
      found.push({ key: `${from}.${other}-${layer}.${head}`, from: [from, other], to: [layer, head], score });
    });
  })));
  return found;
}
