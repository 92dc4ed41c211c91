// The drawing of the heads and of what flows between them: where things lie, and their elements.

const NAMESPACE = "http://www.w3.org/2000/svg";
const WIDTH = 440;
const LEFT = 44; // room for the names of the layers
const ROW = 124; // from one layer to the next; the style sheet knows it too
const BELOW = 78; // from the first layer down to the tokens
const WIDEST = 5; // of a line
const MOST_LINES = 160;
const LEAST_SHARE = 0.06; // of the widest line; what is thinner is not drawn

let made = 0; // drawings; each has a clip of its own

export class Drawing {
  /** @param heads `{layer, head, name, tone, hue}` of every head
   *  @param below room for tokens and arcs; without any the drawing is but to be looked at */
  constructor(layers, heads, below = BELOW) {
    this.layers = layers;
    this.below = below;
    made += 1;
    this.disc = `head-disc-${made}`;
    this.columns = Math.max(...heads.map(({ head }) => head)) + 1;
    this.pitch = (WIDTH - LEFT - 6) / this.columns;
    this.radius = Math.min(19, 0.4 * this.pitch);
    this.height = ROW * layers - BELOW + below;
    this.svg = svg("svg", {
      class: this.radius < 12 ? "live-circuit crowded" : "live-circuit",
      viewBox: `0 0 ${WIDTH} ${this.height}`,
      role: "group",
      "aria-label": "Heads",
    });
    this.lines = svg("g", { class: "lines", "aria-hidden": "true" });
    this.arcs = svg("g", { class: "arcs", "aria-hidden": "true" });
    const nodes = svg("g", { class: "nodes" });
    this.svg.append(this.#disc(), ...this.#names(), this.arcs, this.lines, nodes);
    this.nodes = heads.map((head) => this.#node(head));
    nodes.append(...this.nodes);
    this.drawn = new Map(); // lines by the pair that they join
  }

  /** Where a head is. */
  at(layer, head) {
    return [LEFT + (head + 0.5) * this.pitch, this.height - this.below - ROW * layer - this.radius];
  }

  #disc() {
    const clip = svg("clipPath", { id: this.disc });
    clip.append(svg("circle", { r: this.radius }));
    return clip;
  }

  #names() {
    return Array.from({ length: this.layers }, (_, layer) => {
      const name = svg("text", { class: "layer-name", y: this.at(layer, 0)[1] - 3, "aria-hidden": "true" });
      name.append(...["layer", layer + 1].map((text, index) => {
        const line = svg("tspan", { x: 0, dy: index ? "1.2em" : 0 });
        line.textContent = text;
        return line;
      }));
      return name;
    });
  }

  #node({ layer, head, tone, hue }) {
    const node = svg("g", {
      class: `node tone-${tone}`,
      ...(this.below === BELOW && { role: "button", tabindex: -1 }),
      transform: `translate(${this.at(layer, head)})`,
    });
    node.style.setProperty("--hue", hue);
    const r = this.radius;
    const halves = svg("g", { "clip-path": `url(#${this.disc})` });
    halves.append(
      svg("rect", { class: "half previous", x: -r, y: -r, width: r, height: 2 * r }),
      svg("rect", { class: "half induction", x: 0, y: -r, width: r, height: 2 * r }),
      svg("path", { class: "middle", d: `M0 ${-r}V${r}` }),
    );
    node.append(svg("circle", { class: "well", r }), halves, svg("circle", { class: "rim", r }));
    if (tone !== "none") node.append(svg("circle", { class: "light", r: r + 3.5 }));
    node.append(svg("circle", { class: "chosen", r: r + (tone === "none" ? 3.5 : 6.5) }));
    if (r > 8) node.append(numbered(head));
    Object.assign(node.dataset, { layer, head });
    return node;
  }

  /** A head's halves as full as its `{induction, previous}` strengths. */
  fill(node, strengths) {
    for (const [name, strength] of Object.entries(strengths)) {
      const share = Math.min(Math.max(strength ?? 0, 0), 1);
      node.querySelector(`.${name}`).style.transform = `translateY(${100 * (1 - share)}%)`;
      node.dataset[name] = strength ?? "";
    }
  }

  /** The strongest lines, of which it returns those that it draws; of those that were drawn before,
   *  only the width changes. `full`: what the widest stands for. */
  join(lines, full, hueOf) {
    const kept = lines.filter(({ excess }) => excess >= LEAST_SHARE * full).slice(0, MOST_LINES);
    const stale = new Set(this.drawn.keys());
    for (const { key, from, to, excess, score } of kept) {
      const path = this.line(key, from, to, Math.min(excess / full, 1), hueOf(from));
      Object.assign(path.dataset, { score, excess });
      stale.delete(key);
    }
    for (const key of stale) this.drawn.get(key).style.display = "none";
    return kept;
  }

  /** A line between two heads; `share` 0 to 1 of the widest. */
  line(key, from, to, share, hue) {
    let path = this.drawn.get(key);
    if (!path) {
      const [[x0, y0], [x1, y1]] = [this.at(...from), this.at(...to)];
      const [low, high] = [y0 - this.radius, y1 + this.radius];
      const bend = 0.5 * (low - high);
      path = svg("path", { d: `M${x0} ${low}C${x0} ${low - bend} ${x1} ${high + bend} ${x1} ${high}` });
      path.style.setProperty("--hue", hue);
      Object.assign(path.dataset, { from: from.join("."), to: to.join(".") });
      this.lines.append(path);
      this.drawn.set(key, path);
    }
    path.style.strokeWidth = (WIDEST * share).toFixed(2);
    path.style.strokeOpacity = (0.25 + 0.75 * share).toFixed(2);
    path.style.display = share > 0 ? "" : "none";
    return path;
  }

  /** Where a head attends: arcs above the tokens, from each query back to its keys. */
  attend(pattern, hue, least) {
    const x = (token) => (WIDTH * (token + 0.5)) / pattern.length;
    const floor = this.height - 1;
    const arcs = pattern.flatMap((row, query) =>
      row.slice(0, query).flatMap((share, key) => {
        if (share === null || share < least) return [];
        const rise = Math.min(BELOW - 16, 14 + (36 * (query - key)) / Math.max(pattern.length - 1, 1));
        const [from, to] = [x(query), x(key)];
        const arc = svg("path", { d: `M${from} ${floor}C${from} ${floor - rise} ${to} ${floor - rise} ${to} ${floor}` });
        arc.style.strokeOpacity = share.toFixed(3);
        arc.style.strokeWidth = (0.6 + 2.6 * share).toFixed(2);
        return [arc];
      }),
    );
    this.arcs.style.setProperty("--hue", hue);
    this.arcs.replaceChildren(...arcs);
  }
}

function numbered(head) {
  const text = svg("text", { y: 4, "aria-hidden": "true" });
  text.textContent = head;
  return text;
}

function svg(name, attributes) {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
