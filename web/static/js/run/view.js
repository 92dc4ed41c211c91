// What the charts show; the address holds it, so that it can be sent. The names are those of
// app/schemas/view.py.

const HAND_RESTS = 300; // milliseconds before the address is rewritten

export class View extends EventTarget {
  #usual;
  #writing = null;

  constructor(now, usual) {
    super();
    this.now = { ...now };
    this.#usual = usual;
  }

  /** Changes what is given and says so: a `change` event with `detail` the names that changed. */
  set(changes) {
    const names = Object.keys(changes).filter((name) => changes[name] !== this.now[name]);
    if (!names.length) return;
    Object.assign(this.now, changes);
    clearTimeout(this.#writing);
    this.#writing = setTimeout(() => this.#write(), HAND_RESTS);
    this.dispatchEvent(new CustomEvent("change", { detail: new Set(names) }));
  }

  #write() {
    const address = new URL(location.href);
    address.searchParams.delete("hide_heads"); // of links of before: now every chart has its own
    for (const [name, value] of Object.entries(this.now)) {
      if (value === null || value === this.#usual[name]) address.searchParams.delete(name);
      else address.searchParams.set(name, value);
    }
    if (address.href !== location.href) history.replaceState(history.state, "", address);
  }
}
