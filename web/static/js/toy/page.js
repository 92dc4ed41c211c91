// The toy model: trained by the server again while a slider moves.

import { CONFIG, overlayLayout, themedTrace } from "../charts/recolour.js";
import { nats } from "../common/format.js";
import { rooted } from "../common/root.js";

const Plotly = window.Plotly;
const WAIT = 40; // milliseconds, so that a moving slider asks some twenty times a second at most
const $ = (id) => document.getElementById(id);
const form = $("toy");
const chart = $("chart");
let { figure } = JSON.parse($("page-data").textContent);
let asked = 0;
let timer = null;

function draw() {
  const layout = overlayLayout(figure.layout, chart.clientWidth);
  const legend = { ...layout.legend, font: { size: 11, color: getComputedStyle(document.body).color } };
  return Plotly.react(chart, figure.data.map(themedTrace), { ...layout, legend }, { ...CONFIG, doubleClick: "reset" });
}

function query() {
  const said = new URLSearchParams();
  for (const [name, value] of new FormData(form)) if (value !== "") said.append(name, value);
  return said;
}

async function load() {
  const number = ++asked;
  if (!query().has("clamp")) return say("Choose at least one training.");
  const answer = await fetch(rooted(`/api/v1/toy/figure?${query()}`)).catch(() => null);
  const found = await answer?.json().catch(() => null);
  if (number !== asked) return undefined; // the slider has moved on
  if (!found) return say("The server does not answer.");
  if (!answer.ok) return say(found.detail);
  say("");
  figure = found;
  tell(found.said);
  return draw();
}

function say(text) {
  $("wrong").textContent = text;
  $("wrong").hidden = !text;
}

function tell({ rows, deviation, query: address }) {
  $("deviation").textContent = deviation;
  $("rows").replaceChildren(...rows.map(row));
  $("csv").href = rooted(`/api/v1/toy.csv?${address}`);
  $("json").href = rooted(`/api/v1/toy?${address}`);
  history.replaceState(null, "", `${location.pathname}?${address}`);
}

function row({ name, first, last, crossing, said }) {
  const line = document.createElement("tr");
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = name;
  const cells = [["First loss", first.toFixed(4)], ["Last loss", nats(last)], ["Below 1 % after", crossing]];
  line.append(head, ...cells.map(([label, text]) => {
    const cell = document.createElement("td");
    cell.className = "number";
    cell.dataset.label = label;
    cell.textContent = text;
    return cell;
  }), Object.assign(document.createElement("td"), { textContent: said }));
  return line;
}

form.addEventListener("input", ({ target }) => {
  const { slides } = target.dataset;
  if (slides) $(slides).value = target.value;
  else form.querySelector(`[data-slides="${target.id}"]`)?.setAttribute("value", target.value);
  clearTimeout(timer);
  timer = setTimeout(load, WAIT);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  load();
});
document.addEventListener("themechange", draw);
window.optoscope = { ready: draw(), chart };
