// The page of a study: one figure from the server, drawn again at a calm pace.

import { asHigh } from "../charts/as_high.js";
import { aloneByDoubleClick, toggle } from "../charts/hidden.js";
import { saveOverlay } from "../charts/overlay_image.js";
import { CONFIG, overlayLayout, themedTrace } from "../charts/recolour.js";
import { withEach } from "../common/refresh.js";
import { read } from "../common/answers.js";
import { rooted } from "../common/root.js";

const Plotly = window.Plotly;
const RESETS = { ...CONFIG, doubleClick: "reset" };
const PANEL_WIDTH = 260; // pixels for a small chart; narrow screens have two beside each other

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("page-data").textContent);
const chart = $("study-chart");
const chooser = $("chooser");
const hidden = new Set(); // groups
let figure = data.figure;
let asked = 0;

/* What is chosen; the address holds it */

const chosen = {
  metric: chooser.elements.metric.value,
  group: chooser.elements.group.value,
  view: chooser.querySelector('[name="view"][aria-pressed="true"]').value,
};

function choose(changes) {
  if (changes.group && changes.group !== chosen.group) hidden.clear();
  Object.assign(chosen, changes);
  for (const button of chooser.querySelectorAll('[name="view"]')) {
    button.setAttribute("aria-pressed", String(button.value === chosen.view));
  }
  const address = new URL(location.href);
  for (const [name, value] of Object.entries(chosen)) {
    if (value === data.usual[name]) address.searchParams.delete(name);
    else address.searchParams.set(name, value);
  }
  history.replaceState(null, "", address);
  $("report").href = rooted(`/api/v1/studies/${data.id}/report.html?${new URLSearchParams(chosen)}`);
  return load();
}

chooser.addEventListener("change", ({ target }) => choose({ [target.name]: target.value }));
chooser.addEventListener("submit", (event) => {
  event.preventDefault();
  if (event.submitter?.name === "view") choose({ view: event.submitter.value });
});

/* The figure */

function columns() {
  return Math.max(2, Math.min(6, Math.floor(chart.clientWidth / PANEL_WIDTH)));
}

async function load() {
  const query = new URLSearchParams({ ...chosen, columns: columns() });
  const number = ++asked;
  const found = await read(`${rooted(data.figure_url)}?${query}`);
  if (!found) return; // it is asked again
  if (number !== asked) return; // something else was asked for meanwhile
  figure = found;
  await draw();
}

async function draw() {
  const { groups, points, height, note } = figure.layout.meta;
  $("study-note").textContent = note;
  if (points) chart.querySelector(".awaited")?.remove();
  const high = asHigh(chart, height);
  const layout = { ...overlayLayout(figure.layout, chart.clientWidth), ...high };
  await Plotly.react(chart, figure.data.map(shown), layout, RESETS);
  drawLegend(groups);
}

function shown(trace) {
  const visible = chosen.view === "panels" || !hidden.has(trace.meta.group);
  return { ...themedTrace(trace), visible };
}

/* The figure as a file */

for (const button of document.querySelectorAll("[data-image]")) {
  button.addEventListener("click", () => {
    const { text } = chooser.elements.metric.selectedOptions[0];
    saveOverlay({ figure, element: chart, stands: standing() }, `${data.name} · ${text}`, button.dataset.image, `study-${data.id}-${chosen.metric}`);
  });
}

/** Of a group of several runs its mean, of a single run its curve. */
function standing() {
  const { groups } = figure.layout.meta;
  return new Set(chart.data.filter(({ uid, meta }) => groups[meta.group].runs === 1 || uid.startsWith("mean-")));
}

/* Groups: a click hides and shows, a double click shows one alone and all again */

function drawLegend(groups) {
  const legend = $("study-legend");
  legend.hidden = chosen.view === "panels"; // every chart is named
  const key = JSON.stringify(groups);
  if (legend.dataset.key !== key) {
    legend.dataset.key = key;
    legend.replaceChildren(...groups.map(entry));
  }
  for (const button of legend.children) {
    button.setAttribute("aria-pressed", String(!hidden.has(Number(button.dataset.group))));
  }
}

function entry({ label, hue, dash, runs, behind }, number) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.group = number;
  const line = document.createElement("i");
  line.className = `dash-${dash}`;
  line.style.setProperty("--hue", figure.layout.meta.groups.length === 1 ? "var(--ink)" : hue);
  button.append(line, label);
  if (runs > 1) {
    const count = document.createElement("span");
    count.className = "muted";
    count.textContent = behind;
    count.title = "Seeds: of the initial weights";
    button.append(count);
  }
  return button;
}

function groupOf(event) {
  const button = event.target.closest("button");
  return button && Number(button.dataset.group);
}

$("study-legend").addEventListener("click", (event) => {
  const group = groupOf(event);
  if (group === null || event.detail === 2) return; // the second half of a double click
  toggle(hidden, group);
  draw();
});
$("study-legend").addEventListener("dblclick", (event) => {
  const group = groupOf(event);
  if (group === null) return;
  aloneByDoubleClick(hidden, group, [...figure.layout.meta.groups.keys()]);
  draw();
});

/* Cancel: asks first; without this script the button posts its form */

document.addEventListener("submit", (event) => {
  if (event.target.id !== "cancel-form") return;
  event.preventDefault();
  $("cancel-dialog").showModal();
});
$("cancel-keep")?.addEventListener("click", () => $("cancel-dialog").close());
$("cancel-confirm")?.addEventListener("click", () => {
  $("cancel-dialog").close();
  $("cancel-form")?.submit();
});

/* Start */

document.addEventListener("themechange", draw);
let drawnColumns = columns();
new ResizeObserver(() => {
  if (chosen.view !== "panels" || columns() === drawnColumns) return;
  drawnColumns = columns();
  load();
}).observe(chart);
withEach(load);
window.optoscope = { ready: chosen.view === "panels" ? load() : draw(), chart };
