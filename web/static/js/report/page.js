// A report: charts that can be zoomed, and attention with a slider. Nothing is asked of any server.

import { CONFIG, overlayLayout, runLayout, themedTrace } from "../charts/recolour.js";
import { attentionScale, drawnToken, element, fillSmall } from "../run/maps.js";

const { charts, frames } = JSON.parse(document.getElementById("report-data").textContent);
const Plotly = window.Plotly;
// With a finger the buttons zoom: dragging scrolls the page.
const bar = matchMedia("(pointer: coarse)").matches || "hover";
const ZOOM = { ...CONFIG, doubleClick: "reset", displayModeBar: bar, displaylogo: false };
const LEGEND = { showlegend: true, legend: { orientation: "h", yanchor: "bottom", y: 1.02, x: 0 } };

function drawn({ kind, figure }, place) {
  const width = place.clientWidth;
  const layout = kind === "run" ? runLayout(figure.layout, { frame: null, width }) : overlayLayout(figure.layout, width);
  // Above small charts stand their names, and a long legend would leave a chart no room.
  const isSaid = figure.layout.annotations.some(({ name }) => name === "panel");
  const hidesLegend = isSaid || figure.data.length > 40 || figure.data[0]?.type === "heatmap";
  const shown = hidesLegend ? { showlegend: false } : LEGEND;
  return { ...layout, ...shown, margin: { ...layout.margin, t: 40 }, height: Number(place.dataset.height) };
}

function draw() {
  charts.forEach((chart, index) => {
    const place = document.getElementById(`chart-${index}`);
    Plotly.react(place, chart.figure.data.map(themedTrace), drawn(chart, place), ZOOM);
  });
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
    this.at.textContent = `${places[frame].toLocaleString("en")} sequences`;
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
