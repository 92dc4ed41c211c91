// Two runs side by side: circuit and attention of both at the same place, moved by one time line.
// Places are counted from the start of training, or from the midpoint of each run's phase change.

import { fixed, grouped, nats, short } from "../common/format.js";
import { stepOf } from "../common/slider_keys.js";
import { nextStop } from "../run/pace.js";
import { attentionScale } from "../run/maps.js";
import { BesideRun } from "./beside_run.js";

const NEW_CLASSES = 3; // of a frame's losses
const RENEW_EVERY = 300; // milliseconds, as all here
const REMEMBERED_AFTER = 200; // browsers refuse addresses that change with every move of a hand
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const $ = (id) => document.getElementById(id);

const runs = JSON.parse($("beside-data").textContent).map(
  (data) => new BesideRun(document.querySelector(`.beside-run[data-run="${data.id}"]`), data),
);
const slider = $("beside-slider");
let places = []; // where either has a frame, in order
let at = 0; // in sequences, from where places are counted
let isAligned = false;
let shade = attentionScale();
let playing = null;
let renewing = null;
let remembering = null;

/* Where places lie */

/** What is counted from; of runs that both have one. */
function origin(run) {
  return isAligned ? Math.round(run.change.midpoint) : 0;
}

function lay() {
  const wanted = document.querySelector("#align").value === "midpoint";
  isAligned = wanted && runs.every(({ change }) => change.midpoint !== null);
  slider.min = Math.min(...runs.map((run) => -origin(run)));
  slider.max = Math.max(...runs.map((run) => run.end - origin(run)));
  places = [...new Set(runs.flatMap((run) => run.frames.map((one) => one - origin(run))))].sort((a, b) => a - b);
  for (const run of runs) layLine(run);
  $("beside-first").textContent = signed(Number(slider.min));
  $("beside-last").textContent = `${signed(Number(slider.max))} sequences${isAligned ? " from the midpoint" : ""}`;
  $("beside-note").textContent = noteOf(wanted);
}

function noteOf(wanted) {
  if (isAligned) return "both as far from the midpoint of their phase change";
  return wanted ? "one of them has no midpoint: both after as many sequences" : "both after as many sequences";
}

function layLine(run) {
  run.line.lay(shareOf(-origin(run)), shareOf(run.end - origin(run)), run.end);
}

/** Where one begins to look: where curves have their midpoint, else at the newest. */
function usual() {
  return isAligned ? 0 : Number(slider.max);
}

function shareOf(place) {
  return (place - slider.min) / (slider.max - slider.min);
}

function signed(place) {
  if (!isAligned || place === 0) return short(place);
  return `${place < 0 ? "−" : "+"}${short(Math.abs(place))}`;
}

/* What is shown there */

async function show(place) {
  at = Math.min(Math.max(place, Number(slider.min)), Number(slider.max));
  slider.value = at;
  $("beside-place").textContent = signed(at);
  $("beside-place").parentElement.style.setProperty("--share", shareOf(at));
  slider.setAttribute("aria-valuetext", `${signed(at)} sequences${isAligned ? " from the midpoint" : ""}`);
  const came = await Promise.all(runs.map((run) => run.goTo(at + origin(run))));
  if (came.some(Boolean)) draw();
}

/** Goes where somebody wants to be: from then on the address says so, but for what is usual. */
function go(place) {
  const shown = show(place);
  clearTimeout(remembering);
  remembering = setTimeout(() => {
    const detail = at === usual() ? null : at;
    document.dispatchEvent(new CustomEvent("placed", { detail }));
  }, REMEMBERED_AFTER);
  return shown;
}

/* What comes live */

function hear({ detail }) {
  const run = runs.find(({ id }) => id === detail.runId);
  if (!run) return;
  run.hear(detail);
  renewing ??= setTimeout(renew, RENEW_EVERY);
}

/** The time line as long as it is now. Whoever looks at the newest goes along, whoever looks elsewhere stays. */
function renew() {
  renewing = null;
  const [wasAligned, wasUsual] = [isAligned, at === usual()];
  lay();
  show(wasUsual || wasAligned !== isAligned ? usual() : at);
}

/** Both together: their lines have one scale. */
function draw() {
  const drawn = runs.filter(({ frame }) => frame);
  const full = Math.max(0, ...drawn.map((run) => run.scale));
  for (const run of drawn) run.draw(shade, full, textOf(run));
  $("beside-key").textContent =
    `left halves: previous-token strength, right: induction strength, full at 1${
      full ? ` · widest line: key composition ${fixed(full, 2)} more than in the first frame` : ""} · maps: attention on the first sequence of each probe`;
}

function textOf({ frame }) {
  return `${grouped(frame.sequences)} sequences · loss on new classes ${nats(frame.loss[NEW_CLASSES] ?? NaN)}`;
}

/* What the hand does */

function indexAt(place) {
  return Math.max(places.findLastIndex((one) => one <= place), 0);
}

function step(by) {
  stop();
  const index = Math.min(Math.max(indexAt(at) + by, 0), places.length - 1);
  if (places.length) go(places[index]);
}

/** From the first onset to the last end, as far as these are known. */
function change() {
  const of = (name, pick) => {
    const known = runs.filter((run) => run.change[name] !== null).map((run) => run.change[name] - origin(run));
    return known.length ? pick(...known) : null;
  };
  return { onset: of("onset", Math.min), midpoint: of("midpoint", Math.min), end: of("end", Math.max) };
}

async function goOn() {
  const next = nextStop(places, indexAt(at), change(), calm.matches);
  if (next === null) return stop();
  await go(places[next.index]);
  if (playing !== null) playing = setTimeout(goOn, next.wait);
}

function play() {
  if (!places.length) return;
  if (indexAt(at) >= places.length - 1) go(places[0]);
  playing = setTimeout(goOn, 0);
  sayPlaying();
}

function stop() {
  clearTimeout(playing);
  playing = null;
  sayPlaying();
}

function sayPlaying() {
  $("beside-play").classList.toggle("playing", playing !== null);
  $("beside-play").setAttribute("aria-label", playing === null ? "Play the frames" : "Stop");
}

/* Start */

slider.addEventListener("input", () => {
  stop();
  go(Number(slider.value));
});
slider.addEventListener("keydown", (event) => {
  const by = stepOf(event);
  if (by) step(by);
});
slider.addEventListener("step", (event) => {
  event.preventDefault();
  step(event.detail);
});
$("beside-play").addEventListener("click", () => (playing === null ? play() : stop()));
$("align").addEventListener("change", () => {
  stop();
  lay();
  go(usual());
});
document.addEventListener("themechange", () => {
  shade = attentionScale();
  draw();
});
for (const run of runs) run.scores.addEventListener("came", draw);
document.addEventListener("runnews", hear);
lay();
show(JSON.parse($("page-data").textContent).chosen.place ?? usual());
