// A report: charts that can be zoomed, and attention with a slider. Nothing is asked of any server.

import { drawStanding } from "../charts/standing.js";
import { grouped } from "../common/format.js";
import { attentionScale, drawnToken, element, fillSmall } from "../run/maps.js";

const { charts, frames } = JSON.parse(document.getElementById("report-data").textContent);

function draw() {
  for (const chart of charts) {
    const place = document.getElementById(`chart-${chart.place}`);
    drawStanding(place, chart, Number(place.dataset.height));
  }
}

class Attention {
  #maps = [];

  constructor(root) {
    this.slider = root.querySelector("#frame");
    this.probe = root.querySelector("#probe");
    this.at = root.querySelector("#frame-at");
    this.sequence = root.querySelector(".sequence");
    this.#build(root.querySelector(".attention"));
    this.slider.addEventListener("input", () => this.draw());
    this.probe.addEventListener("change", () => this.draw());
  }

  #build(into) {
    for (let layer = 0; layer < frames.layers; layer += 1) {
      const row = element("div", "layer");
      for (let head = 0; head < frames.heads; head += 1) {
        const figure = element("figure");
        const map = element("canvas");
        const name = `Layer ${layer + 1}, head ${head}`;
        map.setAttribute("role", "img");
        map.setAttribute("aria-label", `Attention of ${name}`);
        figure.append(map, element("figcaption", "small muted", name));
        row.append(figure);
        this.#maps.push(map);
      }
      into.append(row);
    }
  }

  draw() {
    const { places, shares, tokens, probe } = frames;
    const frame = Number(this.slider.value);
    const bytes = Uint8Array.from(atob(shares[frame]), (letter) => letter.charCodeAt(0));
    const shade = attentionScale();
    const area = tokens * tokens;
    this.at.textContent = `${grouped(places[frame])} sequences`;
    this.#maps.forEach((map, index) => {
      const start = (index * probe.length + Number(this.probe.value)) * area;
      const pattern = Array.from({ length: tokens }, (_, query) =>
        Array.from(bytes.subarray(start + query * tokens, start + (query + 1) * tokens), (byte) => byte / 255));
      fillSmall(map, pattern, shade);
    });
    this.sequence.replaceChildren(...probe[Number(this.probe.value)].tokens.map(drawnToken));
  }
}

const attention = frames && new Attention(document.getElementById("frames"));
const redraw = () => {
  draw();
  attention?.draw();
};
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
addEventListener("resize", () => requestAnimationFrame(draw)); // labels have less room, or more
redraw();
document.documentElement.dataset.drawn = "true";
