// Charts as files: as they are zoomed and smoothed now, on light paper, with their title.

import { PAPER, saveImage, titled } from "./image_file.js";
import { colour } from "../common/colour.js";

const SIZE = { width: 1000, height: 560 };

/** @param {Record<string, import("./chart.js").Chart>} charts by the names of their menus */
export function offerDownloads(charts, run) {
  for (const menu of document.querySelectorAll("[data-downloads-of]")) {
    const chart = charts[menu.dataset.downloadsOf];
    menu.addEventListener("click", ({ target }) => {
      const { format } = target.dataset;
      if (format) save(chart, run, format);
      if (format || target.matches("a")) menu.open = false;
    });
  }
  document.addEventListener("click", ({ target }) => {
    for (const menu of document.querySelectorAll("[data-downloads-of][open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
  });
}

function save(chart, run, format) {
  return saveImage(onPaper(chart, run), SIZE, format, `${run.id}-${chart.figure.layout.meta.name}`);
}

/** The figure that is shown, in the server's colours. */
function onPaper(chart, run) {
  const { layout } = chart.figure;
  const { data, layout: shown } = chart.element;
  const ink = colour("ink");
  const black = layout.font.color;
  return {
    data: data.map((trace) => {
      if (trace.type === "heatmap") return { ...trace, ...chart.figure.data[0], x: trace.x, z: trace.z };
      const legend = { showlegend: trace.visible !== false && !trace.meta.broken };
      return trace.line?.color === ink
        ? { ...trace, ...legend, line: { ...trace.line, color: black } }
        : { ...trace, ...legend };
    }),
    layout: {
      ...layout,
      ...PAPER,
      title: titled(`${run.name} · ${layout.meta.title.toLowerCase()}`),
      margin: { ...layout.margin, l: layout.margin.l + 12, t: 76 },
      xaxis: { ...layout.xaxis, range: shown.xaxis.range },
      yaxis: { ...layout.yaxis, range: shown.yaxis.range },
    },
  };
}
