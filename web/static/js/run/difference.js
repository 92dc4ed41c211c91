// What the attention on show is compared with: nothing, the first frame, or another run's frame at
// the same place.

import { FrameStore } from "./frame_store.js";
import { grouped } from "../common/format.js";
import { rooted } from "../common/root.js";

const $ = (id) => document.getElementById(id);
const RUN_ID = /^[a-z0-9]{1,32}$/;

/** Event `changed`: the maps are to be drawn anew. */
export class Difference extends EventTarget {
  #store = null; // of the other run
  #missing = null; // the place where it was asked for a frame last and had none
  #sameProbe = true;

  /** @param attention that of this run
   *  @param peers `{id, name}` of runs to offer */
  constructor(attention, peers) {
    super();
    this.attention = attention;
    this.from = ""; // "", "first", or a run's id
    $("compare-runs").append(...peers.map(({ id, name }) => new Option(`minus ${name}`, id)));
    $("compare-runs").hidden = !peers.length;
    $("compare-with").addEventListener("change", ({ target }) => this.#chosen(target.value));
    $("compare-id").addEventListener("change", ({ target }) => this.#typed(target.value.trim()));
  }

  get isOn() {
    return this.from !== "";
  }

  /** Takes up what an address names. */
  choose(from) {
    const select = $("compare-with");
    select.value = from;
    if (select.value === from) return this.#chosen(from);
    select.value = "other";
    $("compare-id").value = from;
    $("compare-other").hidden = false;
    return this.#set(from);
  }

  /** The patterns to subtract from those of a frame; null: there are none; undefined: they are on
   *  their way, and `changed` tells when that is over. */
  base(frame) {
    const [store, place] = this.#source(frame);
    const found = store.peek(place);
    if (found) {
      this.#say(found, frame);
      return alike(found, frame) ? found.patterns : null;
    }
    if (this.#missing === place) return null;
    this.#await(store, place);
    return undefined;
  }

  async #await(store, place) {
    const { from } = this;
    const came = await store.load(place);
    if (this.from !== from) return; // another was chosen meanwhile
    if (!came) {
      this.#missing = place; // else it would be asked for without end while the server is away
      this.#note(from === "first" ? "The first frame cannot be had now." : `There is no run ${from} with a frame there.`);
    }
    this.dispatchEvent(new Event("changed"));
  }

  #source(frame) {
    const { frames } = this.attention;
    if (this.from === "first") return [frames.store, frames.sequences[0]];
    return [this.#store, frame.sequences];
  }

  #chosen(value) {
    $("compare-other").hidden = value !== "other";
    if (value !== "other") return this.#set(value);
    $("compare-id").focus();
    return this.#typed($("compare-id").value.trim());
  }

  #typed(id) {
    if (id && !RUN_ID.test(id)) {
      this.#set("");
      return this.#note("A run's id is what its address ends with: small letters and digits.");
    }
    return this.#set(id);
  }

  async #set(from) {
    this.from = from;
    this.#missing = null;
    this.#note("");
    this.#store = from && from !== "first" ? new FrameStore(rooted(`/api/v1/runs/${from}/frames`)) : null;
    this.#sameProbe = true;
    this.dispatchEvent(new Event("changed"));
    if (this.#store) await this.#checkProbe(from);
  }

  /** Whether the other run's frames show the same sequences. */
  async #checkProbe(from) {
    const answer = await fetch(rooted(`/api/v1/runs/${from}/probe`)).catch(() => null);
    if (!answer?.ok || this.from !== from) return;
    const { sequences } = await answer.json();
    this.#sameProbe = written(sequences) === written(this.attention.probe);
    this.dispatchEvent(new Event("changed"));
  }

  #say(found, frame) {
    if (!alike(found, frame)) {
      this.#note("That run has other layers, heads or tokens; a difference needs the same.");
    } else if (this.from === "first") {
      this.#note(`minus the frame at ${grouped(found.sequences)} sequences`);
    } else {
      const other = this.#sameProbe ? "" : " Its probe shows other sequences: compare places, not drawings.";
      this.#note(`minus its frame at ${grouped(found.sequences)} sequences.${other}`);
    }
  }

  #note(text) {
    $("compare-note").textContent = text;
  }
}

/** A probe as text that is equal for equal ones. */
function written(probe) {
  return JSON.stringify(
    probe.map(({ tokens, answer }) => [answer, tokens.map(({ kind, text, image }) => [kind, text, image ?? ""])]),
  );
}

function alike(one, other) {
  return JSON.stringify(sizes(one.patterns)) === JSON.stringify(sizes(other.patterns));
}

function sizes(nested) {
  return Array.isArray(nested) ? [nested.length, ...sizes(nested[0])] : [];
}

/** A head's pattern minus another's; null where a number is missing. */
export function minus(pattern, other) {
  return pattern.map((row, query) =>
    row.map((share, key) => {
      const from = other[query][key];
      return share === null || from === null ? null : share - from;
    }),
  );
}
