// Charts as files: as they are zoomed and smoothed now, on light paper, with their title.

import { colour } from "../common/theme.js";

const Plotly = window.Plotly;
const SIZE = { width: 1000, height: 560 };
const DOTS = 2; // a pixel of the picture in every direction, for print

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

async function save(chart, run, format) {
  const { name } = chart.figure.layout.meta;
  const address = await Plotly.toImage(onPaper(chart, run), {
    ...SIZE,
    format,
    scale: format === "png" ? DOTS : 1,
  });
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: `${run.id}-${name}.${format}` });
  link.click();
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
      title: { text: `${run.name} · ${layout.meta.title.toLowerCase()}`, x: 0.02, font: { size: 15 } },
      paper_bgcolor: "#FFFFFF",
      plot_bgcolor: "#FFFFFF",
      margin: { ...layout.margin, l: layout.margin.l + 12, t: 76 },
      xaxis: { ...layout.xaxis, range: shown.xaxis.range },
      yaxis: { ...layout.yaxis, range: shown.yaxis.range },
    },
  };
}
