// The page of a figure of the paper: drawn by the server, again as its runs train.

import { CONFIG, overlayLayout, themedTrace } from "../charts/recolour.js";
import { withEach } from "../common/refresh.js";
import { rooted } from "../common/root.js";

const Plotly = window.Plotly;
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("page-data").textContent);
const chart = $("chart");
const PANEL_WIDTH = 300; // pixels that a panel needs
const MOST_COLUMNS = 4;
const columns = () => Math.max(1, Math.min(MOST_COLUMNS, Math.floor(chart.clientWidth / PANEL_WIDTH)));
const ink = () => getComputedStyle(document.body).color;
let figure = data.figure;

async function draw() {
  chart.style.height = `${figure.layout.meta.height}px`;
  const layout = overlayLayout(figure.layout, chart.clientWidth);
  await Plotly.react(chart, figure.data.map(themedTrace), {
    ...layout,
    legend: { ...layout.legend, font: { size: 11, color: ink() } },
  }, { ...CONFIG, doubleClick: "reset" });
}

async function load() {
  try {
    const answer = await fetch(`${rooted(data.figure_url)}?columns=${columns()}`);
    if (!answer.ok) return;
    figure = await answer.json();
    await draw();
  } catch {
    // The server is away; it is asked again.
  }
}

document.addEventListener("themechange", draw);
let drawn = columns();
new ResizeObserver(() => {
  if (columns() === drawn) return;
  drawn = columns();
  load();
}).observe(chart);
withEach(load);
window.optoscope = { ready: drawn === 1 ? draw() : load(), chart };
