// Whole figures from the server in the colours of the present theme (pages of studies, comparisons).

import { colour } from "../common/theme.js";

export const CONFIG = { displayModeBar: false, responsive: true, doubleClick: "reset", showTips: false };
const NARROW = 520; // pixels; a long label would cover the curves
const coarse = matchMedia("(pointer: coarse)").matches;

/** Named lines that have a token of their own; the others are muted. */
const LINES = { mark: "mark" };

/** What is black in the light theme is white in the dark one. */
export function themedTrace(trace) {
  if (!trace.meta.is_ink) return trace;
  const ink = colour("ink");
  return { ...trace, line: { ...trace.line, color: ink }, ...(trace.fill && { fillcolor: ink }) };
}

/** @param {number} width of the chart, in pixels */
export function themedLayout(layout, width) {
  const [card, hairline, muted, ink, grid] = ["card", "hairline", "muted", "ink", "grid"].map(colour);
  const themed = {
    ...layout,
    font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: ink },
    hoverlabel: { bgcolor: card, bordercolor: hairline, font: { size: 11, color: ink } },
    shapes: layout.shapes.map((shape) => ({ ...shape, line: { ...shape.line, color: colour(LINES[shape.name] ?? "muted") } })),
    annotations: layout.annotations.map((note) => annotation(note, width, { card, ink, muted })),
  };
  for (const [name, axis] of Object.entries(layout)) {
    if (!/^[xy]axis/.test(name)) continue;
    const font = { size: 11, color: muted };
    const title = axis.title && { ...axis.title, font };
    themed[name] = { ...axis, gridcolor: grid, linecolor: hairline, tickfont: font, ...(title && { title }) };
  }
  if (coarse) themed.dragmode = false; // dragging scrolls the page
  return themed;
}

function annotation(note, width, { card, ink, muted }) {
  if (note.name === "panel") return { ...note, font: { ...note.font, color: ink } };
  const text = width < NARROW ? note.text.split(" · ")[0] : note.text;
  return { ...note, text, bgcolor: card, font: { ...note.font, color: muted } };
}
