// The run page: one stream feeds charts, numbers and attention maps.

import { Attention } from "./attention.js";
import { Connection } from "../common/connection.js";
import { LiveCircuit } from "./circuit.js";
import { cursor } from "../charts/cursor.js";
import { offerDownloads } from "../charts/downloads.js";
import { duration, grouped } from "../common/format.js";
import { read } from "../common/answers.js";
import { rooted } from "../common/root.js";
import { oneStop } from "../keys/one_stop.js";
import { keepInAddress } from "./permalink.js";
import { RunCharts } from "./charts.js";
import { Stream } from "../live/stream.js";
import { Timeline } from "./timeline.js";
import { announce, toast } from "../common/toasts.js";
import { ViewBar } from "./view_bar.js";

const RATE_WINDOW = 12; // measurements that the present throughput is taken from
const DOUBLE_CLICK = 300; // milliseconds within which a second click makes a double one
const STATUS_EVERY = 10_000; // milliseconds between looks at checkpoints of a running run
const AFTERWARDS = 60_000; // and at those that stay of one that has ended, at its forks and analyses

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("page-data").textContent);
const latencies = [];

for (const segments of document.querySelectorAll("main .segments")) oneStop(segments);

/* Points */

const charts = new RunCharts(data, { told });
const bar = new ViewBar(charts);
const recent = [];
offerDownloads(charts.charts, data.run);

/** After every draw: the measurements that came, if it was these. */
function told(batch) {
  bar.told();
  if (!batch.length) return;
  timeline.extend(batch);
  const now = Date.now();
  for (const { computed_at, sequences } of batch) {
    latencies.push({ sequences, milliseconds: now - Date.parse(computed_at) });
  }
  recent.push(...batch);
  recent.splice(0, recent.length - RATE_WINDOW);
  showProgress(batch.at(-1));
}

function showProgress(latest) {
  $("sequences").textContent = grouped(latest.sequences);
  document.querySelector("#status .progress > span").style.width =
    `${Math.min(100, (100 * latest.sequences) / data.total_sequences)}%`;
  if (charts.isOver) return; // these were its last, and the server has said so meanwhile
  const [first, last] = [recent[0], recent.at(-1)];
  const rate = (last.sequences - first.sequences) / (last.elapsed_seconds - first.elapsed_seconds);
  if (!Number.isFinite(rate) || rate <= 0) return;
  reveal("rate", grouped(rate));
  reveal("time-left", duration((data.total_sequences - latest.sequences) / rate));
}

function reveal(id, text) {
  $(id).textContent = text;
  $(id).parentElement.hidden = false;
}

/* While it starts, the seconds go on between two looks. */

let started = {};
setInterval(() => {
  const seconds = document.querySelector("#starting [data-seconds]");
  if (!seconds) return;
  if (seconds.dataset.seconds !== started.seconds) started = { seconds: seconds.dataset.seconds, at: performance.now() };
  seconds.textContent = duration(Number(started.seconds) + (performance.now() - started.at) / 1000);
}, 1000);

/* The run itself */

let known = fingerprint(data.run);
let knownChange = JSON.stringify(data.run.phase_change);

function fingerprint(run) {
  return JSON.stringify([
    run.state, run.stage, run.attempt, run.device, run.error_message, run.name, run.phase_change,
  ]);
}

function follow(run) {
  if (fingerprint(run) === known) return;
  known = fingerprint(run);
  refreshStatus();
  const change = JSON.stringify(run.phase_change);
  if (change !== knownChange) timeline.mark(run.phase_change);
  if (run.is_terminal) end();
  else if (run.state === "paused") charts.rest();
  else if (change !== knownChange) charts.renew();
  knownChange = change;
}

function end() {
  $("follow-live").textContent = "Latest";
  charts.end();
  settle();
}

function refreshStatus() {
  window.htmx.trigger("#status", "refresh");
  window.htmx.trigger("#steps", "refresh");
}

/* Connection */

const connection = new Connection($("connection"), () => window.optoscope?.stream?.heardAt);
connection.ended = () => $("status").dataset.state; // a run that failed has not finished
connection.changed = (state) => {
  if (state === "reconnecting") announce("The connection was lost; this page tries again.");
};

function showConnection(state, why) {
  connection.say(state, why);
  if (state === "live") {
    catchUp();
    refreshStatus();
  }
  if (state === "finished") refreshStatus();
}

/** What a stream does not repeat: frames and the probe that came while it was away. */
async function catchUp() {
  const list = await read(`${rooted(data.run_url)}/frames`);
  if (list) await newFrames(list.sequences);
}

/** With the last frame of a run that has ended here: the end and the frames are heard of in any order. */
function settle() {
  const { shown, sequences } = attention.frames;
  if (!charts.isOver || shown?.sequences !== sequences.at(-1) || settledAt === sequences.length) return;
  settledAt = sequences.length;
  circuit.settle();
}

async function newFrames(sequences) {
  if (!attention.hasProbe && sequences.length) {
    const probe = await read(`${rooted(data.run_url)}/probe`);
    if (probe) attention.setProbe(probe.sequences);
  }
  attention.frames.add(sequences);
}

/* Attention and circuit */

const attention = new Attention(data);
let settledAt = data.run.is_terminal ? attention.frames.sequences.length : 0; // with how many frames
const circuit = new LiveCircuit(attention);
const timeline = new Timeline(attention, data);
attention.addEventListener("drawn", () => {
  const { shown, following, isPreview } = attention.frames;
  if (isPreview) return; // the pointer has a line of its own
  bar.place = following ? null : shown.sequences;
  bar.showNumbers();
  for (const chart of Object.values(charts.charts)) chart.cursor(following ? null : shown.sequences);
});
attention.addEventListener("drawn", settle);
keepInAddress(attention, circuit);
for (const chart of Object.values(charts.charts)) {
  let pinning = null; // a double click is two clicks at first, and means something else
  chart.element.on("plotly_click", ({ event }) => {
    clearTimeout(pinning);
    const place = cursor.sequences;
    if (event.detail > 1 || place === null) return;
    pinning = setTimeout(() => attention.frames.goTo(place), DOUBLE_CLICK);
  });
  chart.element.on("plotly_doubleclick", () => clearTimeout(pinning));
}

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
  const answer = await fetch(`${rooted(data.run_url)}/cancel`, { method: "POST" }).catch(() => null);
  if (!answer?.ok) toast({ title: "The run was not cancelled", text: await reasonOf(answer), tone: "bad" });
  refreshStatus();
});

async function reasonOf(answer) {
  const problem = await answer?.json().catch(() => null);
  return problem?.detail ?? "The server does not answer; try again.";
}

/* Fork: from the checkpoint of the frame on show; without this script from the latest. */

document.addEventListener("click", (event) => {
  const link = event.target.closest("#fork");
  const { following, target } = attention.frames;
  if (!link) return;
  link.href = link.href.split("&at=")[0];
  if (following || target === undefined) return;
  const saved = [...document.querySelectorAll("#checkpoints [data-sequences]")];
  const places = saved.map((row) => Number(row.dataset.sequences));
  const at = Math.max(...places.filter((place) => place <= target));
  if (Number.isFinite(at)) link.href += `&at=${at}`;
});

/* Start */

const stream = data.run.is_terminal
  ? null
  : new Stream(rooted(data.events_url), { [data.run.id]: data.after }, {
      measurements: ([{ measurements }]) => charts.feed.receive(measurements),
      run: follow,
      frames: newFrames,
      state: showConnection,
    });
if (!stream) connection.say("finished");
setInterval(() => {
  if (stream?.state === "live" && !document.hidden) refreshStatus();
}, STATUS_EVERY);
setInterval(() => {
  if (charts.isOver && !document.hidden) refreshStatus();
}, AFTERWARDS);

window.optoscope = {
  charts: charts.charts, view: charts.view, attention, circuit, stream, latencies, cursor, ready: charts.ready,
};

// When the charts were first painted, for whoever measures it.
charts.ready.then(() => {
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("drawn")));
});
