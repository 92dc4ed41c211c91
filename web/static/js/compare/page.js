// The page of comparisons. Its address holds the whole view; the server makes the figure.

import { saveOverlay } from "../charts/overlay_image.js";
import { readParts } from "../common/answers.js";
import { rooted } from "../common/root.js";
import { CompareChart } from "./chart.js";
import * as legend from "./legend.js";
import { goLive } from "./news.js";
import { OutcomesSection } from "./outcomes.js";

const PANEL_WIDTH = 260; // pixels for a small chart; narrow screens have two beside each other
const TYPING = 250; // milliseconds after which a search begins
const FIELDS = ["series", "group", "align", "baseline", "view"];
const OUTCOMES = ["x", "y", "heads", "moment"];
const FLAGS = ["xlog", "ylog"];

const $ = (id) => document.getElementById(id);
let data = JSON.parse($("page-data").textContent);
const chosen = data.chosen;
const hidden = new Set(chosen.hidden);
const chooser = $("chooser");
let asked = 0;
let section = null; // settings and outcomes

/* The address */

function query() {
  const said = new URLSearchParams({ runs: chosen.runs.join(",") });
  for (const name of [...FIELDS, ...OUTCOMES, "smoothing"]) if (chosen[name] !== data.usual[name]) said.set(name, chosen[name]);
  for (const name of [...FLAGS, "outcomes"]) if (chosen[name]) said.set(name, "1");
  for (const key of hidden) said.append("hidden", key);
  if (chosen.start !== null) said.set("from", chosen.start);
  if (chosen.end !== null) said.set("to", chosen.end);
  if (chosen.place !== null) said.set("place", chosen.place);
  return said.toString().replaceAll("%2C", ",");
}

function remember() {
  history.replaceState(null, "", `${location.pathname}?${query()}`);
}

// Of two runs side by side.
document.addEventListener("placed", ({ detail }) => {
  chosen.place = detail;
  remember();
});

/** Changes the view; what has other curves is asked from the server. */
function choose(changes, { isLocal = false } = {}) {
  if ("group" in changes) hidden.clear();
  if ("align" in changes) unzoom();
  if ("align" in changes) chosen.place = null; // it was counted from elsewhere
  Object.assign(chosen, changes);
  showChosen();
  remember();
  return isLocal ? draw() : load();
}

function unzoom() {
  chosen.start = chosen.end = null;
  chart.release();
}

function showChosen() {
  for (const button of chooser.querySelectorAll('[name="view"]')) {
    button.setAttribute("aria-pressed", String(button.value === chosen.view));
  }
  chooser.querySelector("output").textContent = chosen.smoothing.toFixed(2);
  // Nothing below zero has a logarithm.
  chooser.elements.xlog.disabled = chosen.align === "midpoint";
  chooser.elements.ylog.disabled = Boolean(chosen.baseline);
}

/** The view as it can be drawn: without logarithms of what may be below zero. */
function drawable() {
  return { ...chosen, xlog: chosen.xlog && chosen.align !== "midpoint", ylog: chosen.ylog && !chosen.baseline };
}

/* The figure and what the server says with it */

function columns() {
  return Math.max(2, Math.min(6, Math.floor($("compare-chart").clientWidth / PANEL_WIDTH)));
}

let loading = 0;

async function load() {
  const number = ++asked;
  loading += 1;
  try {
    const found = await readParts(rooted(`/compare?${query()}&columns=${columns()}`));
    if (!found) return; // it is asked again with the next news, or the next click
    // Answers may come in another order than they were asked for: only that of the last wish is shown.
    if (number === asked) await show(found);
  } finally {
    // Counted, since several may be under way: news wait until the last has ended (see `news.js`).
    loading -= 1;
  }
}

async function show(parts) {
  for (const id of ["notices", "under", "page-data"]) $(id).replaceWith(parts.querySelector(`#${id}`));
  legend.replace(parts.querySelector("#legend"));
  data = JSON.parse($("page-data").textContent);
  $("csv").href = rooted(`/api/v1/compare.csv?${query()}`);
  $("report").href = rooted(`/api/v1/compare/report.html?${query()}`);
  await draw();
}

async function draw() {
  legend.mark(hidden);
  await chart.draw(data.figure, drawable(), hidden);
  if (cursor !== null) hover(cursor);
}

/** What files are headed with: as the legend is. */
function title() {
  return document.querySelector("#legend-table caption").textContent;
}

/** What a file of the chart is made from. */
function drawn() {
  return { figure: chart.figure, element: chart.element, stands: new Set(chart.curves.values()) };
}

/* The cursor */

let cursor = null;

function hover(at) {
  cursor = at;
  chart.hairlines(at?.place ?? null);
  legend.say(at && chart.numbersAt(at.place), at, { hidden, isLoss: isLoss() });
}

function isLoss() {
  return chosen.series.startsWith("loss.") && !chosen.baseline;
}

function appended() {
  legend.sayLast(chart.curves, isLoss());
  if (cursor !== null) hover(cursor);
}

function onArrow(event) {
  const share = { ArrowLeft: -0.02, ArrowRight: 0.02 }[event.key];
  if (!share) return;
  event.preventDefault();
  chart.step(share, cursor?.place ?? null);
}

function zoomed(from, to) {
  if (from === null) {
    unzoom();
    return choose({ start: null, end: null });
  }
  const { thinned, zoomed: wasZoomed } = data.figure.layout.meta;
  return choose({ start: from, end: Math.max(to, from + 1) }, { isLocal: !thinned && !wasZoomed });
}

const chart = chooser && new CompareChart($("compare-chart"), { zoomed, hover });

function start() {
  showChosen();
  legend.listen(hidden, () => choose({}, { isLocal: true }));
  chooser.addEventListener("submit", (event) => {
    event.preventDefault();
    if (event.submitter?.name === "view") choose({ view: event.submitter.value });
  });
  chooser.addEventListener("change", ({ target }) => {
    if (FLAGS.includes(target.name)) choose({ [target.name]: target.checked }, { isLocal: true });
    else if (target.name === "smoothing") choose({ smoothing: Number(target.value) });
    else choose({ [target.name]: target.value });
  });
  chooser.elements.smoothing.addEventListener("input", ({ target }) => {
    chooser.querySelector("output").textContent = Number(target.value).toFixed(2);
  });
  $("compare-chart").addEventListener("keydown", onArrow);
  $("compare-chart").addEventListener("blur", () => hover(null));
  document.addEventListener("themechange", () => chart.restyle());
  $("copy-link").addEventListener("click", copyLink);
  for (const button of document.querySelectorAll("[data-image]")) {
    button.addEventListener("click", () => saveOverlay(drawn(), title(), button.dataset.image, data.file_name));
  }
  let drawnColumns = columns();
  new ResizeObserver(() => {
    if (chosen.view !== "panels" || columns() === drawnColumns) return;
    drawnColumns = columns();
    load();
  }).observe($("compare-chart"));
  goLive({ url: rooted(data.events_url), places: data.live, chart, load, appended, ended: () => section?.refresh(), view: () => chosen, isLoading: () => loading > 0 });
}

async function copyLink({ target }) {
  remember();
  try {
    await navigator.clipboard.writeText(location.href);
    target.textContent = "Copied";
  } catch {
    target.textContent = "The address bar has it"; // no clipboard without HTTPS
  }
  setTimeout(() => { target.textContent = "Copy link"; }, 2000);
}

/* Runs to add */

let typing = null;
$("find").addEventListener("input", ({ target }) => {
  clearTimeout(typing);
  typing = setTimeout(async () => {
    const said = new URLSearchParams(chosen.runs.length ? query() : "");
    said.set("find", target.value);
    const parts = await readParts(rooted(`/compare?${said}`));
    if (parts) $("found").replaceWith(parts.querySelector("#found"));
  }, TYPING);
});
/** Links that change the runs keep the rest of the view as it is now. */
document.addEventListener("click", (event) => {
  const link = event.target.closest(".remove, .add");
  if (!link || !chooser) return;
  const wanted = new URL(link.href).searchParams;
  const said = new URLSearchParams(query());
  if (!wanted.get("runs")) return;
  said.set("runs", wanted.get("runs"));
  if (!wanted.get("baseline")) said.delete("baseline");
  link.href = rooted(`/compare?${said.toString().replaceAll("%2C", ",")}`);
}, { capture: true });

/** What came with the page; small charts again, in as many columns as there is room for. */
async function first() {
  await draw();
  if (chosen.view === "panels") await load();
  section = $("outcomes") && new OutcomesSection($("outcomes"), { chosen, query, remember });
  if (section?.isOpen) await section.open();
}

if (chooser) start();
window.optoscope = { ready: chooser ? first() : Promise.resolve(), chart: $("compare-chart") };
