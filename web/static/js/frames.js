// Saved frames: the slider over them, following the newest, playing, fetching each once.

const $ = (id) => document.getElementById(id);
const PLAY_EVERY = 120; // milliseconds a frame
const KEPT = 400; // frames in memory

export class Frames {
  #cache = new Map();
  #fetching = false;
  #playing = null;

  /**
   * @param {string} url of the API's frames
   * @param {number[]} sequences of the frames that there are
   * @param {{shown: Function, moved: Function}} listener `shown` once patterns are there, `moved`
   *     when the hand chose another frame or whether to follow
   */
  constructor(url, sequences, listener) {
    this.url = url;
    this.sequences = sequences;
    this.listener = listener;
    this.following = true;
    this.shown = null; // `{sequences, patterns}`
    $("frame-slider").addEventListener("input", () => this.#choose(this.index));
    $("follow-live").addEventListener("click", () => this.#toggle());
    $("frame-play").addEventListener("click", () => (this.#playing ? this.#stop() : this.#play()));
  }

  get index() {
    return Number($("frame-slider").value);
  }

  /** The frame that is asked for; the one on show may lag behind it. */
  get target() {
    return this.sequences[this.index];
  }

  start() {
    this.#resize();
  }

  add(sequences) {
    const known = new Set(this.sequences);
    const fresh = sequences.filter((one) => !known.has(one));
    if (!fresh.length) return;
    const at = this.target;
    this.sequences = [...this.sequences, ...fresh].sort((a, b) => a - b);
    this.#resize(at);
  }

  /** Shows the frame nearest to `sequences` and stops following. */
  goTo(sequences) {
    if (!this.sequences.length) return;
    const distance = (index) => Math.abs(this.sequences[index] - sequences);
    let best = 0;
    for (let i = 1; i < this.sequences.length; i += 1) if (distance(i) < distance(best)) best = i;
    this.#choose(best);
  }

  #resize(at) {
    const slider = $("frame-slider");
    slider.max = Math.max(this.sequences.length - 1, 0);
    slider.disabled = $("frame-play").disabled = this.sequences.length < 2;
    if (this.following) this.#latest();
    else slider.value = Math.max(this.sequences.indexOf(at), 0);
    if (this.shown) this.listener.shown();
  }

  #choose(index) {
    this.#stop();
    this.#follow(false);
    $("frame-slider").value = index;
    this.#fetch();
  }

  #toggle() {
    this.#stop();
    this.#follow(!this.following);
    if (this.following) this.#latest();
  }

  #follow(on) {
    this.following = on;
    $("follow-live").setAttribute("aria-pressed", String(on));
    this.listener.moved();
  }

  #latest() {
    $("frame-slider").value = this.sequences.length - 1;
    this.#fetch();
  }

  #play() {
    if (this.index >= this.sequences.length - 1) $("frame-slider").value = 0;
    this.#follow(false);
    this.#showPlaying(true);
    this.#fetch();
    this.#playing = setInterval(() => {
      if (this.index >= this.sequences.length - 1) this.#stop();
      else if (this.shown?.sequences === this.target) {
        $("frame-slider").value = this.index + 1;
        this.#fetch();
      }
    }, PLAY_EVERY);
  }

  #stop() {
    if (this.#playing === null) return;
    clearInterval(this.#playing);
    this.#playing = null;
    this.#showPlaying(false);
    this.listener.moved();
  }

  #showPlaying(on) {
    $("frame-play").classList.toggle("playing", on);
    $("frame-play").setAttribute("aria-label", on ? "Stop" : "Play the frames");
  }

  /** Fetches the frame asked for; while one is on its way, only the newest wish is remembered. */
  async #fetch() {
    if (this.#fetching || !this.sequences.length) return;
    this.#fetching = true;
    try {
      while (this.shown?.sequences !== this.target) {
        const sequences = this.target;
        const patterns = this.#cache.get(sequences) ?? (await this.#load(sequences));
        if (!patterns) break;
        this.shown = { sequences, patterns };
        this.listener.shown();
      }
    } finally {
      this.#fetching = false;
    }
  }

  async #load(sequences) {
    try {
      const answer = await fetch(`${this.url}?sequences=${sequences}`);
      if (!answer.ok) return null;
      const { patterns } = await answer.json();
      if (this.#cache.size >= KEPT) this.#cache.delete(this.#cache.keys().next().value);
      this.#cache.set(sequences, patterns);
      return patterns;
    } catch {
      return null; // the server is away; the next frame or wish asks again
    }
  }
}
