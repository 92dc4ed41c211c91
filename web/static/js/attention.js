// Attention of every head on a probe sequence: small maps, one large, and the frames to scrub.

import { fixed, grouped } from "./format.js";
import { colour } from "./theme.js";

const $ = (id) => document.getElementById(id);
const STEPS = 64; // of the colour scale
const PLAY_EVERY = 120; // milliseconds a frame
const KEPT_FRAMES = 400;

export class Attention {
  #cache = new Map();
  #fetching = false;
  #scale = [];
  #playing = null;

  /** @param data the page's data
   *  @param onShow told of every frame; answers with the strengths of a head at that place */
  constructor(data, onShow) {
    this.frames = data.frames;
    this.probe = data.probe;
    this.url = data.run_url;
    this.onShow = onShow;
    this.following = true;
    this.sequence = 0;
    this.layers = data.layers;
    this.layer = data.layers - 1;
    this.head = data.selected_head;
    this.shown = null; // `{sequences, patterns}`
    const place = this.#recall();
    this.#wire();
    this.#rescale();
    document.addEventListener("themechange", () => this.#rescale());
    if (this.probe.length) this.#layOut();
    this.#framesChanged();
    if (place !== null) this.goTo(place);
  }

  /** Takes the head, probe and frame from the address; the frame's place, if it names one. */
  #recall() {
    const found = location.hash.match(/^#L(\d+)H(\d+)\.probe(\d+)(?:\.at(\d+))?$/);
    if (!found) return null;
    const [layer, head, probe] = found.slice(1, 4).map(Number);
    if (document.querySelector(`#head-maps [data-layer="${layer}"][data-head="${head}"]`)) {
      [this.layer, this.head] = [layer, head];
    }
    if (probe >= 1 && probe <= this.probe.length) this.sequence = probe - 1;
    return found[4] === undefined ? null : Number(found[4]);
  }

  /** Puts what is on show into the address, so that it can be sent; once the hand rests. */
  #remember() {
    clearTimeout(this.remembering);
    this.remembering = setTimeout(() => {
      const at = this.following || this.target === undefined ? "" : `.at${this.target}`;
      const view = `#L${this.layer}H${this.head}.probe${this.sequence + 1}${at}`;
      if (view !== location.hash) history.replaceState(null, "", view);
    }, 400);
  }

  get hasProbe() {
    return this.probe.length > 0;
  }

  setProbe(probe) {
    if (this.hasProbe || !probe.length) return;
    this.probe = probe;
    this.#layOut();
    this.#draw();
  }

  addFrames(sequences) {
    const known = new Set(this.frames);
    const fresh = sequences.filter((one) => !known.has(one));
    if (!fresh.length) return;
    this.frames = [...this.frames, ...fresh].sort((a, b) => a - b);
    this.#framesChanged();
  }

  get index() {
    return Number($("frame-slider").value);
  }

  get target() {
    return this.frames[this.index];
  }

  /** Shows the frame nearest to `sequences` and stops following. */
  goTo(sequences) {
    if (!this.frames.length) return;
    const distance = (index) => Math.abs(this.frames[index] - sequences);
    let best = 0;
    for (let i = 1; i < this.frames.length; i += 1) if (distance(i) < distance(best)) best = i;
    this.#follow(false);
    $("frame-slider").value = best;
    this.#fetch();
  }

  #wire() {
    const slider = $("frame-slider");
    slider.addEventListener("input", () => {
      this.#stop();
      this.#follow(false);
      this.#fetch();
    });
    $("follow-live").addEventListener("click", () => {
      this.#stop();
      this.#follow(!this.following);
      if (this.following) this.#latest();
    });
    $("frame-play").addEventListener("click", () => (this.#playing ? this.#stop() : this.#play()));
    $("probe-previous").addEventListener("click", () => this.#turn(-1));
    $("probe-next").addEventListener("click", () => this.#turn(1));
    $("head-maps").addEventListener("click", (event) => {
      const button = event.target.closest("button");
      if (button) this.#select(Number(button.dataset.layer), Number(button.dataset.head));
    });
    document.addEventListener("keydown", (event) => this.#step(event));
    $("head-maps").addEventListener("keydown", (event) => this.#arrow(event));
  }

  /** `[` and `]`: a frame back and forth. */
  #step(event) {
    const by = { "[": -1, "]": 1 }[event.key];
    if (!by || event.target.closest("input:not([type=range]), select, textarea") || !this.frames.length) return;
    this.#stop();
    this.#follow(false);
    $("frame-slider").value = this.index + by;
    this.#fetch();
  }

  #arrow(event) {
    const moves = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 0], ArrowDown: [-1, 0] };
    const move = moves[event.key];
    if (!move) return;
    const [layer, head] = [this.layer + move[0], this.head + move[1]];
    const button = document.querySelector(
      `#head-maps [data-layer="${layer}"][data-head="${head}"]`,
    );
    if (!button) return;
    event.preventDefault();
    button.focus();
    this.#select(layer, head);
  }

  #follow(on) {
    this.following = on;
    $("follow-live").setAttribute("aria-pressed", String(on));
    this.#remember();
  }

  #play() {
    if (this.index >= this.frames.length - 1) $("frame-slider").value = 0;
    this.#follow(false);
    $("frame-play").classList.add("playing");
    $("frame-play").setAttribute("aria-label", "Stop");
    this.#fetch();
    this.#playing = setInterval(() => {
      if (this.index >= this.frames.length - 1) this.#stop();
      else if (this.shown?.sequences === this.target) {
        $("frame-slider").value = this.index + 1;
        this.#fetch();
      }
    }, PLAY_EVERY);
  }

  #stop() {
    if (this.#playing) this.#remember();
    clearInterval(this.#playing);
    this.#playing = null;
    $("frame-play").classList.remove("playing");
    $("frame-play").setAttribute("aria-label", "Play the frames");
  }

  #turn(by) {
    this.sequence = (this.sequence + by + this.probe.length) % this.probe.length;
    this.#layOut();
    this.#draw();
    this.#remember();
  }

  #select(layer, head) {
    this.layer = layer;
    this.head = head;
    this.#remember();
    this.#draw();
  }

  #framesChanged() {
    const slider = $("frame-slider");
    const at = this.target;
    slider.max = Math.max(this.frames.length - 1, 0);
    slider.disabled = this.frames.length < 2;
    $("frame-play").disabled = this.frames.length < 2;
    if (this.following) this.#latest();
    else slider.value = Math.max(this.frames.indexOf(at), 0);
    if (this.shown) this.#say();
  }

  #latest() {
    $("frame-slider").value = this.frames.length - 1;
    this.#fetch();
  }

  /** Fetches the frame asked for; while one is on its way, only the newest wish is remembered. */
  async #fetch() {
    if (this.#fetching || !this.frames.length) return;
    this.#fetching = true;
    try {
      while (this.shown?.sequences !== this.target) {
        const sequences = this.target;
        const patterns = this.#cache.get(sequences) ?? (await this.#load(sequences));
        if (!patterns) break;
        this.shown = { sequences, patterns };
        this.#draw();
      }
    } finally {
      this.#fetching = false;
    }
  }

  async #load(sequences) {
    try {
      const answer = await fetch(`${this.url}/frames?sequences=${sequences}`);
      if (!answer.ok) return null;
      const { patterns } = await answer.json();
      if (this.#cache.size >= KEPT_FRAMES) this.#cache.delete(this.#cache.keys().next().value);
      this.#cache.set(sequences, patterns);
      return patterns;
    } catch {
      return null; // the server is away; the next frame or wish asks again
    }
  }

  #rescale() {
    const stops = [0, 1, 2, 3, 4].map((stop) => channels(colour(`scale-${stop}`)));
    this.#scale = Array.from({ length: STEPS + 1 }, (_, step) => blend(stops, step / STEPS));
    this.#draw();
  }

  #shade(share) {
    return this.#scale[Math.round(Math.min(Math.max(share, 0), 1) * STEPS)];
  }

  #tokens() {
    return this.probe[this.sequence].tokens;
  }

  /** Everything that depends on the probe sequence and not on the frame. */
  #layOut() {
    const { tokens, answer } = this.probe[this.sequence];
    const row = tokens.map((token) => drawn(token));
    const asked = element("span", "small muted", "asks for");
    $("probe-tokens").replaceChildren(...row, asked, drawn({ kind: "label", text: answer }));
    $("probe-text").textContent = `probe ${this.sequence + 1} of ${this.probe.length}`;
    for (const id of ["probe-previous", "probe-next"]) $(id).hidden = this.probe.length < 2;
    $("large-map").replaceChildren(table(tokens));
    $("probe").classList.remove("unknown");
  }

  #draw() {
    for (const button of document.querySelectorAll("#head-maps button")) {
      const [layer, head] = [Number(button.dataset.layer), Number(button.dataset.head)];
      const selected = layer === this.layer && head === this.head;
      button.setAttribute("aria-pressed", String(selected));
      if (this.shown) this.#drawSmall(button.firstElementChild, this.#pattern(layer, head));
      if (selected) {
        $("selected-name").textContent = button.dataset.name;
        $("selected-clamp").textContent = button.dataset.clamp && `clamped: ${button.dataset.clamp}`;
      }
    }
    if (!this.shown || !this.hasProbe) return;
    this.#drawLarge();
    this.#say();
  }

  #pattern(layer, head) {
    return this.shown.patterns[layer][head][this.sequence];
  }

  #drawSmall(canvas, pattern) {
    const cell = Math.max(Math.floor(120 / pattern.length), 2);
    const gap = cell > 8 ? 2 : 0;
    const size = cell * pattern.length - gap;
    if (canvas.width !== size) canvas.width = canvas.height = size;
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, size, size);
    for (let query = 0; query < pattern.length; query += 1) {
      for (let key = 0; key <= query; key += 1) {
        context.fillStyle = this.#shade(pattern[query][key] ?? 0).css;
        context.fillRect(key * cell, query * cell, cell - gap, cell - gap);
      }
    }
  }

  #drawLarge() {
    const pattern = this.#pattern(this.layer, this.head);
    const cells = $("large-map").querySelectorAll("td[data-query]");
    for (const cell of cells) {
      const [query, key] = [Number(cell.dataset.query), Number(cell.dataset.key)];
      if (key > query) continue;
      const share = pattern[query][key] ?? NaN;
      const shade = this.#shade(share || 0);
      cell.style.background = shade.css;
      cell.style.color = shade.light ? "#11161d" : "#ffffff";
      cell.firstChild.textContent = fixed(share, 2);
    }
    this.#drawNumbers(pattern);
  }

  #drawNumbers(pattern) {
    const row = pattern.at(-1);
    const { answer } = this.probe[this.sequence];
    const sum = { correct: 0, wrong: 0 };
    this.#tokens().forEach((token, index) => {
      if (token.kind === "label") sum[token.text === answer ? "correct" : "wrong"] += row[index];
    });
    this.#number("correct", sum.correct);
    this.#number("wrong", sum.wrong);
  }

  #number(name, value) {
    document.querySelector(`[data-number="${name}"]`).textContent = fixed(value);
  }

  #say() {
    const { sequences } = this.shown;
    const place = this.frames.indexOf(sequences) + 1;
    $("frame-text").textContent =
      `frame ${place} of ${this.frames.length} · ${grouped(sequences)} sequences`;
    $("frame-slider").setAttribute("aria-valuetext", `${grouped(sequences)} sequences`);
    const strengths = this.onShow(this);
    const { induction, previous } = strengths(this.layer, this.head);
    this.#number("induction", induction);
    this.#number("previous", previous);
    for (const button of document.querySelectorAll("#head-maps button")) {
      const layer = Number(button.dataset.layer);
      const of = strengths(layer, Number(button.dataset.head));
      const strength = layer === this.layers - 1 ? of.induction : of.previous;
      const percent = `${(100 * Math.max(strength ?? 0, 0)).toFixed(1)}%`;
      button.style.setProperty("--strength", percent);
    }
  }
}

function drawn(token) {
  if (token.kind === "label") return element("span", "token-label", token.text);
  const mark = element("span", token.image ? "glyph" : "token-name", token.image ? "" : token.text);
  if (token.image) mark.style.setProperty("--drawing", `url("${token.image}")`);
  mark.title = token.text;
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", token.text);
  return mark;
}

/** The large map without its numbers: tokens along both axes, a cell per query and key. */
function table(tokens) {
  const map = element("table", tokens.length > 9 ? "map map-dense" : "map");
  map.append(element("caption", "hidden-text", "Attention from query rows to key columns"));
  const head = map.createTHead().insertRow();
  head.append(element("td", "corner"), ...tokens.map((token) => heading(token, "col")));
  const body = map.createTBody();
  tokens.forEach((token, query) => {
    const row = body.insertRow();
    row.append(heading(token, "row"));
    tokens.forEach((_, key) => {
      const cell = element("td", key > query ? "later" : "");
      if (key <= query) cell.append(element("span", "", ""));
      Object.assign(cell.dataset, { query, key });
      row.append(cell);
    });
  });
  return map;
}

function heading(token, scope) {
  const cell = element("th");
  cell.scope = scope;
  cell.append(drawn(token));
  return cell;
}

function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

function channels(rgb) {
  return rgb.match(/[\d.]+/g).slice(0, 3).map(Number);
}

function blend(stops, share) {
  const place = share * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const mix = stops[low].map((from, i) => from + (stops[low + 1][i] - from) * (place - low));
  const brightness = (0.299 * mix[0] + 0.587 * mix[1] + 0.114 * mix[2]) / 255;
  return { css: `rgb(${mix.map(Math.round).join(" ")})`, light: brightness > 0.5 };
}
