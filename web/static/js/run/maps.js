// Drawing attention: tokens, the large map's table, the colour scale.

import { colour } from "../common/colour.js";

const STEPS = 64; // of the colour scale
const HALFWAY = 0.179; // luminance on which black and white are equally readable, at 4.58 : 1
const DENSE = 9; // tokens; a larger map has no room for numbers

/** Shares 0 to 1 as the colours of the present theme: `{css, light}`. */
export function attentionScale() {
  const stops = [0, 1, 2, 3, 4].map((stop) => channels(colour(`scale-${stop}`)));
  const shades = Array.from({ length: STEPS + 1 }, (_, step) => blend(stops, step / STEPS));
  return (share) => shades[Math.round(Math.min(Math.max(share ?? 0, 0), 1) * STEPS)];
}

/** Differences -1 to 1, 0 in the middle, as colours of the present theme. */
export function differenceScale() {
  const above = attentionScale();
  const stops = ["scale-0", "below-2", "below-4"].map((name) => channels(colour(name)));
  const below = Array.from({ length: STEPS + 1 }, (_, step) => blend(stops, step / STEPS));
  return (by) => (by < 0 ? below[Math.round(Math.min(-by, 1) * STEPS)] : above(by));
}

function channels(rgb) {
  return rgb.match(/[\d.]+/g).slice(0, 3).map(Number);
}

function blend(stops, share) {
  const place = share * (stops.length - 1);
  const low = Math.min(Math.floor(place), stops.length - 2);
  const mix = stops[low].map((from, i) => from + (stops[low + 1][i] - from) * (place - low));
  return { css: `rgb(${mix.map(Math.round).join(" ")})`, light: luminance(mix) > HALFWAY };
}

/** Relative luminance, 0 to 1, as contrast is defined by it. */
function luminance(rgb) {
  const [red, green, blue] = rgb.map((one) => {
    const share = one / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** A label as a chip, an exemplar as its drawing, or as its name where there is none. */
export function drawnToken(token) {
  if (token.kind === "label") return element("span", "token-label", token.text);
  const mark = element("span", token.image ? "glyph" : "token-name", token.image ? "" : token.text);
  if (token.image) mark.style.setProperty("--drawing", `url("${token.image}")`);
  mark.title = token.text;
  mark.setAttribute("role", "img");
  mark.setAttribute("aria-label", token.text);
  return mark;
}

/** The large map without its numbers: tokens along both axes, a cell per query and key. */
export function largeMap(tokens) {
  const map = element("table", tokens.length > DENSE ? "map map-dense" : "map");
  map.append(element("caption", "hidden-text", "Attention from query rows to key columns"));
  const head = map.createTHead().insertRow();
  head.append(element("td", "corner"), ...tokens.map((token) => heading(token, "col")));
  const body = map.createTBody();
  tokens.forEach((token, query) => {
    const row = body.insertRow();
    row.append(heading(token, "row"));
    tokens.forEach((_, key) => row.append(cell(query, key)));
  });
  return map;
}

function heading(token, scope) {
  const made = element("th");
  made.scope = scope;
  made.append(drawnToken(token));
  return made;
}

function cell(query, key) {
  const made = element("td", key > query ? "later" : "");
  if (key <= query) made.append(element("span"));
  Object.assign(made.dataset, { query, key });
  return made;
}

/** @param write how a number is written in its cell */
export function fillLarge(map, pattern, shade, write) {
  for (const one of map.querySelectorAll("td[data-query]:not(.later)")) {
    const share = pattern[Number(one.dataset.query)][Number(one.dataset.key)];
    const { css, light } = shade(share);
    one.style.background = css;
    one.style.color = light ? "#000000" : "#ffffff";
    one.firstChild.textContent = write(share ?? NaN);
    one.title = one.firstChild.textContent;
  }
}

export function fillSmall(canvas, pattern, shade) {
  const side = Math.max(Math.floor(120 / pattern.length), 2);
  const gap = side > 8 ? 2 : 0;
  const size = side * pattern.length - gap;
  if (canvas.width !== size) canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, size, size);
  for (let query = 0; query < pattern.length; query += 1) {
    for (let key = 0; key <= query; key += 1) {
      context.fillStyle = shade(pattern[query][key]).css;
      context.fillRect(key * side, query * side, side - gap, side - gap);
    }
  }
}

export function element(name, className = "", text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
