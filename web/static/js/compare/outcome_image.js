// A figure of settings and outcomes as a file: on light paper, with its title and what is said of it.

import { LEGEND, PAPER, saveImage, titled } from "../charts/image_file.js";

const WIDTH = 1000;
const HEIGHT = 520; // of a figure that has none of its own
const HEAD = 44; // the title; pixels, as all here
const LINE = 16; // a line of what is said
const LETTER = 6.2; // about as wide as one of its letters is
const KEYS = 44; // a legend's lines, where there is one

/** @param {"png" | "svg"} format */
export function saveOutcome(figure, format, name) {
  return saveImage(...onPaper(figure), format, name);
}

/** The figure in the server's colours with words above it, and its size. */
function onPaper({ data, layout }) {
  const { title, said, height, width = 0 } = layout.meta;
  const size = { width: Math.max(WIDTH, width) };
  const lines = said.flatMap((sentence) => wrapped(sentence, (size.width - layout.margin.l - 24) / LETTER));
  const above = HEAD + LINE * lines.length;
  const below = data.some(({ uid = "" }) => uid.startsWith("key-")) ? KEYS : 0;
  size.height = (height ?? HEIGHT) + above + below;
  const margin = { ...layout.margin, t: layout.margin.t + above, b: layout.margin.b + below };
  const heading = { ...titled(title), y: 1 - 24 / size.height, yanchor: "middle" };
  return [
    {
      data,
      layout: {
        ...layout,
        ...PAPER,
        margin,
        title: heading,
        annotations: [...layout.annotations, ...(lines.length ? [words(lines, layout.margin, size.width)] : [])],
        showlegend: below > 0,
        legend: { ...LEGEND, y: -(layout.margin.b - 2) / (size.height - margin.t - margin.b) },
      },
    },
    size,
  ];
}

function words(lines, margin, width) {
  return {
    text: lines.join("<br>"),
    align: "left", showarrow: false, font: { size: 11, color: "#59626F" },
    xref: "paper", x: 0, xanchor: "left", xshift: Math.round(0.02 * width) - margin.l,
    yref: "paper", y: 1, yanchor: "bottom", yshift: margin.t,
  };
}

/** Lines of at most so many letters, with nothing that is markup. */
function wrapped(sentence, most) {
  const lines = [""];
  for (const word of sentence.split(" ")) {
    if (lines.at(-1) && lines.at(-1).length + word.length >= most) lines.push("");
    lines.push(`${lines.pop()} ${word}`.trim());
  }
  return lines.map((line) => line.replaceAll("&", "&amp;").replaceAll("<", "&lt;"));
}
