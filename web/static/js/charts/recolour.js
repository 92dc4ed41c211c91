// Figures come from the server in the colours of light paper; here they get the page's.

import { colour } from "../common/theme.js";

const NARROW = 520; // pixels; a long label would cover the curves
const STEPS = {
  sequential: ["scale-0", "scale-1", "scale-2", "scale-3", "scale-4"],
  diverging: ["below-4", "below-2", "scale-0", "scale-2", "scale-4"],
};

/** Named parts of the server's figure, and the design token that colours each. */
const SHAPES = { mark: "mark", fork: "muted", guessing: "muted", cursor: "ink" };

/** The layout as the page shows it. `frame`: where the attention on show was taken, or null. */
export function themedLayout(layout, { frame, width }) {
  const [card, hairline, muted, ink, grid] = ["card", "hairline", "muted", "ink", "grid"].map(colour);
  const axis = (one) => ({
    ...one,
    gridcolor: grid,
    linecolor: hairline,
    tickfont: { size: 11, color: muted },
    title: { ...one.title, font: { size: 11, color: muted } },
  });
  const notes = width < NARROW ? narrowed(layout) : layout.annotations;
  return {
    ...layout,
    showlegend: false,
    uirevision: null, // what is zoomed and hidden is in the page's own hands
    font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: ink },
    hoverlabel: { bgcolor: card, bordercolor: hairline, font: { size: 11, color: ink } },
    xaxis: axis(layout.xaxis),
    yaxis: axis(layout.yaxis),
    shapes: themedShapes(layout, frame),
    annotations: notes.map((note) => ({
      ...note,
      font: { ...note.font, color: muted },
      bgcolor: note.text === "plateau" ? "rgba(0, 0, 0, 0)" : card,
    })),
  };
}

export function themedShapes(layout, frame) {
  const shapes = layout.shapes.map((shape) =>
    shape.name === "band"
      ? { ...shape, fillcolor: colour("band") }
      : { ...shape, line: { ...shape.line, color: colour(SHAPES[shape.name]) } },
  );
  if (frame !== null) shapes.push(frameLine(frame));
  return shapes;
}

/** Ink where the server has black, and the page's scales in pictures. */
export function themedTrace(trace) {
  if (trace.type === "heatmap") return themedPicture(trace);
  if (trace.meta.evaluator !== 0) return trace;
  const ink = colour("ink");
  const pen = trace.meta.broken && { marker: { ...trace.marker, line: { width: 2, color: ink } } };
  return { ...trace, ...(pen || { line: { ...trace.line, color: ink } }) };
}

function themedPicture(trace) {
  const scale = trace.zmin < 0 ? "diverging" : "sequential";
  const steps = STEPS[scale].map((name, index) => [index / 4, colour(name)]);
  const font = { size: 11, color: colour("muted") };
  const title = { ...trace.colorbar.title, font };
  return { ...trace, colorscale: steps, colorbar: { ...trace.colorbar, tickfont: font, title } };
}

/** Labels for a narrow chart: a line each, on the side where there is room. */
function narrowed({ annotations, xaxis }) {
  const [low, high] = xaxis.range;
  let row = 0;
  return annotations.map((note) => {
    if (note.name === "guessing") return { ...note, text: note.text.split(" · ")[0] };
    if (!("yshift" in note)) return note;
    const isRight = note.x > (low + high) / 2;
    const side = { xanchor: isRight ? "right" : "left", xshift: isRight ? -3 : 3 };
    return { ...note, ...side, yshift: -15 * row++ };
  });
}

function frameLine(x) {
  return {
    type: "line", name: "cursor", layer: "above", yref: "paper",
    x0: x, x1: x, y0: 0, y1: 1, line: { color: colour("ink"), width: 1, dash: "dot" },
  };
}
