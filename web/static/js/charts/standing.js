// A chart that stands by itself, with Plotly's legend: of reports and boards.

import { contentOf } from "./content.js";
import { Pinch } from "./pinch.js";
import { CONFIG, overlayLayout, runLayout, themedTrace } from "./recolour.js";

// With a finger the buttons zoom, too: dragging scrolls the page.
const bar = matchMedia("(pointer: coarse)").matches || "hover";
const ZOOM = { ...CONFIG, doubleClick: "reset", displayModeBar: bar, displaylogo: false };
const LEGEND = { showlegend: true, legend: { orientation: "h", yanchor: "bottom", y: 1.02, x: 0 } };

/**
 * Draws a figure of the server as it is.
 * @param {{kind: string, figure: object, smoothing?: number}} chart of one run, or of several
 * @param {number} height in pixels
 */
export function drawStanding(place, { kind, figure, smoothing = 0 }, height) {
  const isRun = kind === "run";
  place.pinch ??= new Pinch(place);
  const traces = isRun ? contentOf(figure, smoothing).traces : figure.data.map(themedTrace);
  return window.Plotly.react(place, traces, layoutOf(isRun, figure, place.clientWidth, height), ZOOM);
}

function layoutOf(isRun, figure, width, height) {
  const layout = isRun ? runLayout(figure.layout, { frame: null, width }) : overlayLayout(figure.layout, width);
  // Above small charts stand their names, and a long legend would leave a chart no room.
  const isSaid = figure.layout.annotations.some(({ name }) => name === "panel");
  const hidesLegend = isSaid || figure.data.length > 40 || figure.data[0]?.type === "heatmap";
  const shown = hidesLegend ? { showlegend: false } : LEGEND;
  return { ...layout, ...shown, margin: { ...layout.margin, t: Math.max(40, layout.margin.t) }, height };
}
