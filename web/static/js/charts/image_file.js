// Figures as files, on light paper.

const DOTS = 2; // a pixel of the picture in every direction, for print

/** Of a layout, beside the server's own colours: whatever theme the page has, paper is light. */
export const PAPER = { paper_bgcolor: "#FFFFFF", plot_bgcolor: "#FFFFFF" };

/** Under the figure, which so keeps its whole width, however many entries there are. */
export const LEGEND = { orientation: "h", x: 0, xanchor: "left", y: -0.13, yanchor: "top" };

/** Names are text: whatever signs they have, they are no markup. */
export function titled(name) {
  const text = name.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return { text, x: 0.02, font: { size: 15 } };
}

/**
 * @param {{width: number, height: number}} size in pixels
 * @param {"png" | "svg"} format
 * @param {string} name of the file, without its ending
 */
export async function saveImage(figure, size, format, name) {
  const scale = format === "png" ? DOTS : 1;
  const address = await window.Plotly.toImage(figure, { ...size, format, scale });
  const link = document.createElement("a");
  Object.assign(link, { href: address, download: `${name}.${format}` });
  link.click();
}
