// Curves of several runs as a file: as they are zoomed and hidden now, on light paper, with title and legend.

import { LEGEND, PAPER, saveImage, titled } from "./image_file.js";

const SIZE = { width: 1200, height: 640 };

/**
 * @param {{figure: object, element: object, stands: Set<object>}} chart the server's figure, where it is drawn, and the
 *   traces there that a legend names
 * @param {"png" | "svg"} format
 */
export function saveOverlay(chart, title, format, name) {
  const height = chart.figure.layout.meta.height ?? SIZE.height;
  return saveImage(onPaper(chart, title), { ...SIZE, height }, format, name);
}

/** The figure in the server's colours, with the axes as they are seen. */
function onPaper({ figure: { layout, data }, element: seen, stands }, title) {
  const axes = Object.keys(layout).filter((name) => /^[xy]axis/.test(name));
  const isOverlay = axes.length === 2;
  return {
    // Live points are in what is seen; colours for light paper, of lines, bands and marks, are in
    // what the server gave.
    data: seen.data.map((trace, index) => ({
      ...data[index],
      x: trace.x,
      y: trace.y,
      visible: trace.visible,
      showlegend: isOverlay && stands.has(trace) && trace.visible !== false,
    })),
    layout: {
      ...layout,
      showlegend: isOverlay,
      legend: LEGEND,
      title: titled(title),
      margin: { ...layout.margin, l: layout.margin.l + 12, t: layout.margin.t + 40 },
      ...PAPER,
      ...Object.fromEntries(axes.map((name) => [name, axis(layout[name], seen.layout[name])])),
    },
  };
}

function axis(plain, { type, range }) {
  return { ...plain, ...(type && { type }), ...(range && { range: [...range] }) };
}
