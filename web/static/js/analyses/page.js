// The page of an analysis: one figure from the server, drawn again as parts are done.

import { CONFIG, overlayLayout, themedTrace } from "../charts/recolour.js";
import { read } from "../common/answers.js";
import { withEach } from "../common/refresh.js";
import { rooted } from "../common/root.js";

const Plotly = window.Plotly;
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("page-data").textContent);
const chart = $("chart");
const NARROW = 620; // pixels; panels stand below each other then
const columns = () => (chart.clientWidth < NARROW ? 1 : 2);
const legend = () => getComputedStyle(document.body).color;
let figure = data.figure;

async function draw() {
  if (!figure.data.length) return;
  chart.querySelector(".awaited")?.remove();
  const layout = overlayLayout(figure.layout, chart.clientWidth);
  await Plotly.react(chart, figure.data.map(themedTrace), {
    ...layout,
    legend: { ...layout.legend, font: { size: 11, color: legend() } },
  }, { ...CONFIG, doubleClick: "reset" });
}

async function load() {
  const found = await read(`${rooted(data.figure_url)}?columns=${columns()}`);
  if (!found) return; // it is asked again
  figure = found;
  await draw();
}

document.addEventListener("themechange", draw);
let drawn = columns();
new ResizeObserver(() => {
  if (columns() === drawn) return;
  drawn = columns();
  load();
}).observe(chart);
withEach(load);
window.optoscope = { ready: drawn === 1 ? load() : draw(), chart };
