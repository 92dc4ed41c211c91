// The run page: one stream feeds charts, numbers and attention maps.

import { Attention } from "./attention.js";
import { Chart, pick } from "./charts.js";
import { age, duration, grouped, nats } from "./format.js";
import { legend } from "./legend.js";
import { Stream } from "./stream.js";

// Milliseconds between draws; less than the 250 for which a trainer gathers measurements, so that
// each lot is drawn as it comes.
const DRAW_EVERY = 150;
const DRAW_SHARE = 0.5; // of the time, at most, goes into drawing
const MOST_POINTS = 3000; // beyond, the server's thinned figure replaces what was appended
const RATE_WINDOW = 12; // measurements that the present throughput is taken from
const STATUS_EVERY = 10_000; // milliseconds between looks at checkpoints of a running run

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("page-data").textContent);
const charts = {
  loss: new Chart($("loss-chart"), data.figures.loss),
  previous_token: new Chart($("previous-token-chart"), data.figures.previous_token),
  induction: new Chart($("induction-chart"), data.figures.induction),
};
const shownLayer = { ...data.shown_layers };
const hiddenHeads = new Set();
const latencies = [];

/* Points */

let pending = [];
let scheduled = false;
let nextDraw = 0;
let drawn = data.points;
const recent = [];

function receive(measurements) {
  pending.push(...measurements);
  recent.push(...measurements);
  recent.splice(0, recent.length - RATE_WINDOW);
  if (scheduled) return;
  scheduled = true;
  const wait = Math.max(0, nextDraw - performance.now());
  setTimeout(() => requestAnimationFrame(draw), wait);
}

async function draw() {
  const batch = pending;
  pending = [];
  const begun = performance.now();
  document.querySelectorAll(".chart .awaited").forEach((note) => note.remove());
  await Promise.all(Object.values(charts).map((chart) => chart.append(batch)));
  nextDraw = begun + Math.max(DRAW_EVERY, (performance.now() - begun) / DRAW_SHARE);
  const now = Date.now();
  for (const { computed_at, sequences } of batch) {
    latencies.push({ sequences, milliseconds: now - Date.parse(computed_at) });
  }
  drawn += batch.length;
  showNumbers(batch.at(-1));
  // What comes meanwhile is drawn after it: the server's figure may hold it already.
  if (charts.loss.xs.length > MOST_POINTS) await replaceFigures();
  scheduled = false;
  if (pending.length) receive([]);
}

function showNumbers(latest) {
  $("sequences").textContent = grouped(latest.sequences);
  document.querySelector("#status .progress > span").style.width =
    `${Math.min(100, (100 * latest.sequences) / data.total_sequences)}%`;
  $("points").textContent = pointsText();
  for (const button of document.querySelectorAll("#loss-legend button")) {
    const meta = charts.loss.meta[Number(button.dataset.trace)];
    button.querySelector("[data-value]").textContent = nats(pick(latest, meta) ?? NaN);
  }
  const [first, last] = [recent[0], recent.at(-1)];
  const rate = (last.sequences - first.sequences) / (last.elapsed_seconds - first.elapsed_seconds);
  if (!Number.isFinite(rate) || rate <= 0) return;
  reveal("rate", grouped(rate));
  reveal("time-left", duration((data.total_sequences - latest.sequences) / rate));
}

function pointsText() {
  const shown = charts.loss.xs.length;
  return shown === drawn ? `${grouped(shown)} points` : `${grouped(shown)} of ${grouped(drawn)} points`;
}

function reveal(id, text) {
  $(id).textContent = text;
  $(id).parentElement.hidden = false;
}

async function replaceFigures() {
  for (const [name, chart] of Object.entries(charts)) {
    const figure = await read(`${data.run_url}/figures/${name}`);
    if (figure) await chart.replace(figure);
  }
}

async function read(url) {
  try {
    const answer = await fetch(url);
    return answer.ok ? await answer.json() : null;
  } catch {
    return null; // the server is away; the stream says so and comes back
  }
}

/* The run itself */

let known = fingerprint(data.run);
let knownChange = JSON.stringify(data.run.phase_change);

function fingerprint(run) {
  return JSON.stringify([
    run.state, run.attempt, run.device, run.error_message, run.name, run.phase_change,
  ]);
}

async function follow(run) {
  if (fingerprint(run) === known) return;
  known = fingerprint(run);
  refreshStatus();
  const change = JSON.stringify(run.phase_change);
  if (change === knownChange) return;
  knownChange = change;
  const figure = await read(`${data.run_url}/figures/loss`);
  if (!figure) return;
  const { shapes, annotations } = figure.layout;
  const marks = shapes.filter((shape) => shape.name !== "guessing");
  charts.loss.remark({ shapes, annotations });
  for (const name of ["previous_token", "induction"]) {
    charts[name].remark({ shapes: marks, annotations: [] });
  }
}

function refreshStatus() {
  window.htmx.trigger("#status", "refresh");
}

/* Connection */

const indicator = $("connection");
const WORDS = {
  connecting: "connecting",
  reconnecting: "reconnecting",
  paused: "paused",
  finished: "finished",
};

function showConnection(state) {
  indicator.dataset.state = state;
  if (state === "live") {
    catchUp();
    refreshStatus();
  }
  if (state === "finished") refreshStatus();
  tick();
}

function tick() {
  const { state } = indicator.dataset;
  const heardAt = window.optoscope?.stream?.heardAt ?? Date.now();
  const seconds = (Date.now() - heardAt) / 1000;
  indicator.textContent = state === "live" ? `live · ${age(seconds)}` : WORDS[state];
}

/** What a stream does not repeat: frames and the probe that came while it was away. */
async function catchUp() {
  const list = await read(`${data.run_url}/frames`);
  if (list) await newFrames(list.sequences);
}

async function newFrames(sequences) {
  if (!attention.hasProbe && sequences.length) {
    const probe = await read(`${data.run_url}/probe`);
    if (probe) attention.setProbe(probe.sequences);
  }
  attention.frames.add(sequences);
}

/* Legends, layers, hovering */

function showHeads() {
  for (const name of ["previous_token", "induction"]) {
    charts[name].show(({ layer, head }) => layer === shownLayer[name] && !hiddenHeads.has(head));
  }
}

for (const group of document.querySelectorAll(".segments[data-chart]")) {
  const name = group.dataset.chart === "induction-chart" ? "induction" : "previous_token";
  group.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    shownLayer[name] = Number(button.dataset.layer);
    for (const one of group.children) one.setAttribute("aria-pressed", String(one === button));
    showHeads();
  });
}

legend("loss-legend", "trace", (hidden) => {
  charts.loss.show((meta) => !hidden.has(meta.evaluator));
});
legend("head-legend", "head", (hidden) => {
  hiddenHeads.clear();
  hidden.forEach((head) => hiddenHeads.add(head));
  showHeads();
});

for (const chart of Object.values(charts)) {
  const others = Object.values(charts).filter((one) => one !== chart);
  chart.element.on("plotly_hover", ({ points }) => {
    others.forEach((other) => other.hairline(points[0].x));
  });
  chart.element.on("plotly_unhover", () => others.forEach((other) => other.hairline(null)));
  chart.element.on("plotly_click", ({ points }) => attention.frames.goTo(points[0].x));
}

/* Attention */

const attention = new Attention(data, ({ shown, following }) => {
  const at = following ? null : shown.sequences;
  for (const chart of Object.values(charts)) chart.cursor(at);
  return (layer, head) => {
    const isHead = (meta) => meta.layer === layer && meta.head === head;
    return {
      induction: charts.induction.value(isHead, shown.sequences),
      previous: charts.previous_token.value(isHead, shown.sequences),
    };
  };
});

/* Cancel: asks first; without this script the button posts its form. */

document.addEventListener("submit", (event) => {
  if (event.target.id !== "cancel-form") return;
  event.preventDefault();
  $("cancel-dialog").showModal();
});
$("cancel-keep")?.addEventListener("click", () => $("cancel-dialog").close());
$("cancel-confirm")?.addEventListener("click", async () => {
  $("cancel-dialog").close();
  if ($("cancel")) $("cancel").disabled = true;
  await fetch(`${data.run_url}/cancel`, { method: "POST" }).catch(() => null);
  refreshStatus();
});

/* Fork: from the checkpoint of the frame on show; without this script from the latest. */

document.addEventListener("click", (event) => {
  const link = event.target.closest("#fork");
  const { following, target } = attention.frames;
  if (!link || following || target === undefined) return;
  const saved = [...document.querySelectorAll("#checkpoints [data-sequences]")];
  const places = saved.map((row) => Number(row.dataset.sequences));
  const at = Math.max(...places.filter((place) => place <= target));
  if (Number.isFinite(at)) link.href = `${link.href.split("&at=")[0]}&at=${at}`;
});

/* Start */

const stream = data.run.is_terminal
  ? null
  : new Stream(`${data.run_url}/events`, data.after, {
      measurements: receive,
      run: follow,
      frames: newFrames,
      state: showConnection,
    });
if (stream) setInterval(tick, 200);
else showConnection("finished");
setInterval(() => {
  if (stream?.state === "live" && !document.hidden) refreshStatus();
}, STATUS_EVERY);

window.optoscope = { charts, attention, stream, latencies, ready: Promise.all(Object.values(charts).map((chart) => chart.ready)) };
