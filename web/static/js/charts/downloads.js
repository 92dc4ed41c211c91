// Charts as files: as they are zoomed and smoothed now, on light paper, with their title.

import { LEGEND, PAPER, saveImage, titled } from "./image_file.js";

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
  return {
    data: chart.content.plain.map((trace, index) => {
      const { visible } = data[index];
      return { ...trace, visible, showlegend: visible !== false && !trace.meta.broken && trace.type !== "heatmap" };
    }),
    layout: {
      ...layout,
      ...PAPER,
      legend: LEGEND,
      title: titled(`${run.name} · ${layout.meta.title.toLowerCase()}`),
      margin: { ...layout.margin, l: layout.margin.l + 12, t: 56 },
      xaxis: { ...layout.xaxis, range: shown.xaxis.range },
      yaxis: { ...layout.yaxis, range: shown.yaxis.range },
    },
  };
}
