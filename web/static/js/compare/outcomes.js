// Settings and outcomes of the compared runs: asked from the server when they are opened.

import { CONFIG, overlayLayout, themedTrace } from "../charts/recolour.js";
import { rooted } from "../common/root.js";

const CHOICES = ["x", "y", "heads", "moment"];
const PANEL_WIDTH = 220; // pixels that a picture needs
const MOST_COLUMNS = 6;
const PARTS = ["outcome-said", "outcome-pictures-note", "outcome-data"]; // what a choice changes

const $ = (id) => document.getElementById(id);

/** @param {{chosen: Object, query: Function, remember: Function}} page */
export function outcomes({ chosen, query, remember }) {
  const section = $("outcomes");
  if (!section) return Promise.resolve();
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
  const load = () => ask((parts) => {
    for (const id of PARTS) $(id).replaceWith(parts.querySelector(`#${id}`));
  });

  async function draw() {
    if (!$("outcome-data")) return;
    const data = JSON.parse($("outcome-data").textContent);
    await Promise.all(Object.entries(figures).map(([name, id]) => drawn($(id), data[name])));
  }

  function choose(changes) {
    Object.assign(chosen, changes);
    for (const name of ["x", "y"]) if (name in changes) $(`outcome-${name}`).value = changes[name];
    for (const pair of body.querySelectorAll(".pair")) {
      const { x, y } = pair.dataset;
      pair.setAttribute("aria-pressed", String(x === $("outcome-x").value && y === $("outcome-y").value));
    }
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
  return section.open ? open() : Promise.resolve();
}

function drawn(element, { data, layout }) {
  const { height, width, alt } = layout.meta;
  if (alt) element.setAttribute("aria-label", alt);
  element.style.height = height ? `${height}px` : "";
  if (width) element.style.minWidth = `max(100%, ${width}px)`;
  return window.Plotly.react(element, data.map(themedTrace), overlayLayout(layout, element.clientWidth), CONFIG);
}
