// Paper is white and as wide as it is: charts are drawn for it, and for the screen again after.

import { currentTheme, show } from "./theme.js";

const WIDTH = 980; // pixels: A4 across, less its margins; print.css has one column of it
let before = null;

function charts() {
  return document.querySelectorAll(".js-plotly-plot");
}

function prepare() {
  if (before !== null) return;
  before = currentTheme();
  show("light");
  for (const chart of charts()) {
    const isHalf = chart.closest(".pair") !== null;
    window.Plotly.relayout(chart, { width: isHalf ? (WIDTH - 24) / 2 : WIDTH, autosize: false });
  }
}

function restore() {
  if (before === null) return;
  show(before);
  before = null;
  for (const chart of charts()) window.Plotly.relayout(chart, { width: null, autosize: true });
}

addEventListener("beforeprint", prepare);
addEventListener("afterprint", restore);
