// Figures come from the server in the colours of light paper; here they get the page's.

import { colour } from "../common/colour.js";

const coarse = matchMedia("(pointer: coarse)").matches;
const NARROW = 520; // pixels; a long label would cover the curves
const LETTER = 5.6; // pixels of a letter in 11 px, at the widest on average
const STEPS = {
  sequential: ["scale-0", "scale-1", "scale-2", "scale-3", "scale-4"],
  diverging: ["below-4", "below-2", "scale-0", "scale-2", "scale-4"],
};

/** Named lines of the server's figures that have a token of their own; the others are muted. */
const LINES = { mark: "mark", cursor: "ink" };

/** Of every chart: what a double click does is the page's own affair. */
export const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false, showTips: false };

/** The layout of a run's chart. `frame`: where the attention on show was taken, or null. */
export function runLayout(layout, { frame, width }) {
  return {
    ...themed(layout, width < NARROW ? aside(layout) : layout.annotations),
    showlegend: false,
    uirevision: null, // what is zoomed and hidden is in the page's own hands
    shapes: runShapes(layout, frame),
  };
}

export function runShapes({ shapes }, frame) {
  return (frame === null ? shapes : [...shapes, frameLine(frame)]).map(themedShape);
}

/** The layout of curves of several runs, in one chart or in many; `width` in pixels. */
export function overlayLayout(layout, width) {
  const notes = layout.annotations.map((note) => (note.name === "panel" ? fitted(note, layout, width) : note));
  return themed(layout, width < NARROW ? notes.map(shortened) : notes);
}

/** The name of a small chart, as far as it is wide; of a long one both ends, since seeds come last. */
function fitted(note, layout, width) {
  const [, axis] = /^x(\d*) domain$/.exec(note.xref) ?? [];
  if (axis === undefined || /[<&]/.test(note.text)) return note; // over no one chart, or no plain text
  const { domain } = layout[`xaxis${axis}`];
  const { l, r } = layout.margin;
  const longest = Math.floor(((domain[1] - domain[0]) * (width - l - r)) / LETTER);
  const half = Math.floor(longest / 2);
  if (note.text.length <= longest) return note;
  return { ...note, text: `${note.text.slice(0, half).trimEnd()}…${note.text.slice(half + 1 - longest)}` };
}

function themed(layout, notes) {
  const [card, hairline, muted, ink, grid] = ["card", "hairline", "muted", "ink", "grid"].map(colour);
  const font = { size: 11, color: muted };
  const axes = Object.entries(layout).filter(([name]) => /^[xy]axis/.test(name));
  const axis = (one) => {
    const title = one.title && { title: { ...one.title, font } };
    return { ...one, gridcolor: grid, linecolor: hairline, tickfont: font, ...title };
  };
  return {
    ...layout,
    font: { family: getComputedStyle(document.body).fontFamily, size: 11, color: ink },
    hoverlabel: { bgcolor: card, bordercolor: hairline, font: { size: 11, color: ink } },
    ...Object.fromEntries(axes.map(([name, one]) => [name, axis(one)])),
    shapes: layout.shapes.map(themedShape),
    annotations: notes.map((note) => themedNote(note, { card, ink, muted })),
    ...(coarse && { dragmode: false }), // dragging scrolls the page
  };
}

function themedShape(shape) {
  if (shape.name === "band") return { ...shape, fillcolor: colour("band") };
  if (shape.name === "known") return shape;
  const light = shape.name?.match(/^light-(.+)/)?.[1];
  if (light) return { ...shape, fillcolor: colour(light) };
  return { ...shape, line: { ...shape.line, color: colour(LINES[shape.name] ?? "muted") } };
}

function themedNote(note, { card, ink, muted }) {
  if (note.name === "panel") return { ...note, font: { ...note.font, color: ink } };
  const bgcolor = note.text === "plateau" ? "rgba(0, 0, 0, 0)" : card;
  return { ...note, bgcolor, font: { ...note.font, color: muted } };
}

/** Ink where the server has black, and the page's scales in pictures. */
export function themedTrace(trace) {
  if (trace.type === "heatmap") return themedPicture(trace);
  const { evaluator, is_ink: isInk = evaluator === 0, broken } = trace.meta;
  if (trace.textfont) return { ...trace, textfont: { ...trace.textfont, color: colour("muted") } };
  if (!isInk) return trace;
  const ink = colour("ink");
  if (broken) return { ...trace, marker: { ...trace.marker, line: { width: 2, color: ink } } };
  if (trace.mode === "markers") return { ...trace, marker: { ...trace.marker, color: ink } };
  return { ...trace, line: { ...trace.line, color: ink }, ...(trace.fill && { fillcolor: ink }) };
}

function themedPicture(trace) {
  const scale = trace.zmin < 0 ? "diverging" : "sequential";
  const steps = STEPS[scale].map((name, index) => [index / 4, colour(name)]);
  if (!trace.colorbar) return { ...trace, colorscale: steps }; // its numbers stand in it
  const font = { size: 11, color: colour("muted") };
  const title = { ...trace.colorbar.title, font };
  return { ...trace, colorscale: steps, colorbar: { ...trace.colorbar, tickfont: font, title } };
}

/** Labels for a narrow chart: a line each, on the side where there is room. */
function aside({ annotations, xaxis }) {
  const [low, high] = xaxis.range;
  let row = 0;
  return annotations.map((note) => {
    if (note.name === "guessing") return shortened(note);
    if (!("yshift" in note)) return note;
    const isRight = note.x > (low + high) / 2;
    const side = { xanchor: isRight ? "right" : "left", xshift: isRight ? -3 : 3 };
    return { ...note, ...side, yshift: -15 * row++ };
  });
}

/** Its first words; what names a small chart stays. */
function shortened(note) {
  return note.name === "panel" ? note : { ...note, text: note.text.split(" · ")[0] };
}

function frameLine(x) {
  return {
    type: "line", name: "cursor", layer: "above", yref: "paper",
    x0: x, x1: x, y0: 0, y1: 1, line: { width: 1, dash: "dot" },
  };
}
