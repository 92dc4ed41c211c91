// The page of a figure of the paper: its pictures, drawn by the server, again as runs train and
// analyses go on.

import { asHigh } from "../charts/as_high.js";
import { PAPER, saveImage, titled } from "../charts/image_file.js";
import { CONFIG, overlayLayout, themedTrace } from "../charts/recolour.js";
import { withEach } from "../common/refresh.js";
import { read } from "../common/answers.js";
import { rooted } from "../common/root.js";

const Plotly = window.Plotly;
const { url, name } = JSON.parse(document.getElementById("page-data").textContent);
const PANEL_WIDTH = 300; // pixels that a panel needs
const MOST_COLUMNS = 4;
const WIDE = 1000; // pixels of a picture that is saved
const ink = () => getComputedStyle(document.body).color;

class Picture {
  constructor(chart) {
    this.chart = chart;
    this.figure = null;
    new ResizeObserver(() => {
      if (this.columns !== this.drawn) this.load();
    }).observe(chart);
  }

  get columns() {
    return Math.max(1, Math.min(MOST_COLUMNS, Math.floor(this.chart.clientWidth / PANEL_WIDTH)));
  }

  async load() {
    this.drawn = this.columns;
    const found = await read(`${rooted(url)}?part=${this.chart.dataset.part}&columns=${this.drawn}`);
    if (!found) return; // it is asked again
    this.figure = found;
    await this.draw();
  }

  /** As the server draws it: in its colours, on white. */
  async save(format) {
    if (!this.figure) return;
    const { data: traces, layout } = this.figure;
    const data = traces.map((trace) => ({ ...trace, uid: undefined })); // it makes selectors of them
    const margin = { ...layout.margin, t: 80 };
    const shown = { data, layout: { ...layout, ...PAPER, margin, title: titled(document.title) } };
    const size = { width: WIDE, height: layout.meta.height + 60 };
    await saveImage(shown, size, format, `paper-${name}-${this.chart.dataset.part}`);
  }

  async draw() {
    if (!this.figure) return;
    const { data, layout } = this.figure;
    const high = asHigh(this.chart, layout.meta.height);
    const themed = overlayLayout(layout, this.chart.clientWidth);
    const shown = { ...themed, ...high, legend: { ...themed.legend, font: { size: 11, color: ink() } } };
    await Plotly.react(this.chart, data.map(themedTrace), shown, { ...CONFIG, doubleClick: "reset" });
  }
}

const pictures = [...document.querySelectorAll(".paper-chart")].map((chart) => new Picture(chart));
const all = (act) => Promise.all(pictures.map(act));

document.addEventListener("click", ({ target }) => {
  const { format } = target.dataset;
  if (!format) return;
  const section = target.closest("section");
  pictures.find(({ chart }) => section.contains(chart))?.save(format);
});
document.addEventListener("themechange", () => all((picture) => picture.draw()));
withEach(() => all((picture) => picture.load()));
window.optoscope = { ready: all((picture) => picture.load()), chart: pictures[0]?.chart };
