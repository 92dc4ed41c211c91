// Settings and outcomes of the compared runs: asked from the server when they are opened.

import { CONFIG, overlayLayout, themedTrace } from "../charts/recolour.js";
import { rooted } from "../common/root.js";

const CHOICES = ["x", "y", "heads", "moment"];
const PANEL_WIDTH = 220; // pixels that a picture needs
const MOST_COLUMNS = 6;
const PARTS = ["outcome-said", "outcome-pictures-note", "outcome-data"]; // what a choice changes

const $ = (id) => document.getElementById(id);

/**
 * @param {{chosen: Object, query: Function, remember: Function}} page
 * @returns {{ready: Promise, refresh: Function}} `refresh`: for when a run has come to its end
 */
export function outcomes({ chosen, query, remember }) {
  const section = $("outcomes");
  if (!section) return { ready: Promise.resolve(), refresh: () => {} };
  const body = $("outcomes-body");
  const figures = { scatter: "outcome-scatter", parallel: "outcome-parallel", heads: "outcome-heads-chart" };
  let asked = 0, drawnColumns = 0;

  function columns() {
    return Math.max(1, Math.min(MOST_COLUMNS, Math.floor(body.clientWidth / PANEL_WIDTH)));
  }

  async function fetched() {
    drawnColumns = columns();
    const url = rooted(`/compare/outcomes?${query()}&columns=${drawnColumns}`);
    const answer = await fetch(url, { headers: { "HX-Request": "true" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const parts = document.createElement("template");
    parts.innerHTML = await answer.text();
    return parts.content;
  }

  /** Shows what the server has; `put` says where. Only the answer to the last wish is shown. */
  async function ask(put) {
    const number = ++asked;
    try {
      const parts = await fetched();
      if (number !== asked) return;
      put(parts);
      await draw();
    } catch {
      // The server is away: what is there stays, and the next choice asks again.
      if (number === asked && !$("outcome-data")) {
        body.textContent = "The server does not answer. Close this section and open it again.";
      }
    }
  }

  const open = () => ask((parts) => body.replaceChildren(parts));
  const load = (ids = PARTS) => ask((parts) => {
    for (const id of ids) $(id).replaceWith(parts.querySelector(`#${id}`));
    for (const name of CHOICES) select(name).value = parts.querySelector(`#outcome-${name}`).value;
    mark();
  });
  /** The same and the table, after a run has ended. */
  const refresh = () => section.open && $("outcome-data") && load([...PARTS, "outcome-table"]);

  const select = (name) => $(`outcome-${name}`);

  /** The pair of the table that is drawn as dots. */
  function mark() {
    for (const pair of body.querySelectorAll(".pair")) {
      const isDrawn = pair.dataset.x === select("x").value && pair.dataset.y === select("y").value;
      pair.setAttribute("aria-pressed", String(isDrawn));
    }
  }

  async function draw() {
    if (!$("outcome-data")) return;
    const data = JSON.parse($("outcome-data").textContent);
    const lines = $(figures.parallel);
    const isFirst = !lines.data;
    await Promise.all(Object.entries(figures).map(([name, id]) => drawn($(id), data[name])));
    if (isFirst) followPointer(lines);
  }

  function choose(changes) {
    Object.assign(chosen, changes);
    remember();
    return load();
  }

  body.addEventListener("change", ({ target }) => {
    if (CHOICES.includes(target.name)) choose({ [target.name]: target.value });
  });
  body.addEventListener("click", ({ target }) => {
    const pair = target.closest(".pair");
    if (pair) choose({ x: pair.dataset.x, y: pair.dataset.y });
  });
  section.addEventListener("toggle", () => {
    if (section.open === chosen.outcomes) return; // as the page came
    chosen.outcomes = section.open;
    remember();
    if (section.open) open();
  });
  document.addEventListener("themechange", draw);
  new ResizeObserver(() => {
    if (section.open && $("outcome-data") && columns() !== drawnColumns) load();
  }).observe(body);
  return { ready: section.open ? open() : Promise.resolve(), refresh };
}

/** The whole line of the run of which a point is under the pointer. */
function followPointer(lines) {
  const show = (x, y) => window.Plotly.restyle(lines, { x: [x], y: [y] }, [lines.data.length - 1]);
  lines.on("plotly_hover", ({ points: [{ data, pointNumber }] }) => {
    const { each } = lines.layout.meta;
    const first = each * Math.floor(pointNumber / each);
    show(data.x.slice(first, first + each), data.y.slice(first, first + each));
  });
  lines.on("plotly_unhover", () => show([], []));
}

function drawn(element, { data, layout }) {
  const { height, width, alt } = layout.meta;
  if (alt) element.setAttribute("aria-label", alt);
  element.style.height = height ? `${height}px` : "";
  if (width) element.style.minWidth = `max(100%, ${width}px)`;
  return window.Plotly.react(element, data.map(themedTrace), overlayLayout(layout, element.clientWidth), CONFIG);
}
