// The light in hand: which kind is picked, where it acts, how strong, when. Its controls are made
// from the catalogue; every kind has a panel of its own, of which one is shown.

import { placed, readSite, writeSite } from "./clamps.js";

const $ = (id) => document.getElementById(id);

export const catalogue = JSON.parse($("catalogue").textContent);
export const picked = () => $("tools").querySelector("input:checked").value;
export const kind = () => catalogue.find(({ id }) => id === picked());

const panels = () => [...document.querySelectorAll(".brush-panel")];
const panel = () => panels().find((one) => one.dataset.tool === picked());
const settings = (of) => [...of.querySelectorAll("[data-setting]")];
const siteField = (of = panel()) => of.querySelector("[data-site]");

/** Points and positions of the light in hand; layer and heads are those it was last put on. */
export function site() {
  return readSite(siteField().value) ?? readSite(kind().usual);
}

export const siteText = () => siteField().value.trim();

/** The clamp that the controls describe. */
export function clamp(text = siteText()) {
  const set = settings(panel()).flatMap((control) => {
    const value = valueOf(control);
    const left = value === undefined || ("window" in control.dataset && isDefault(control));
    return left ? [] : [[control.dataset.setting, value]];
  });
  return { ...kind().fixed, site: text, ...Object.fromEntries(set) };
}

/** Shows a clamp in the controls of its kind. */
export function show(clamp, { id }) {
  const box = $("tools").querySelector(`input[value="${id}"]`);
  box.checked = true;
  if (box.closest(".uncommon")) showMore(true);
  turn();
  siteField().value = clamp.site ?? "";
  for (const control of settings(panel())) {
    const value = clamp[control.dataset.setting];
    put(control, value === undefined || value === null ? control.dataset.default : asText(value));
  }
  dependants();
}

/** The panel of the kind that is picked, with the site it usually has. */
export function turn() {
  for (const one of panels()) one.hidden = one.dataset.tool !== picked();
  $("brush").hidden = !kind();
  if (!kind()) return;
  dependants();
}

/** The controls as they were. */
export function reset() {
  if (!kind()) return;
  siteField().value = kind().usual;
  for (const control of settings(panel())) put(control, control.dataset.default);
  dependants();
}

export function setSite(text) {
  siteField().value = text;
  dependants();
}

export function showMore(open) {
  $("tools").classList.toggle("all", open);
  $("more").setAttribute("aria-expanded", String(open));
  $("more").firstElementChild.textContent = open ? "fewer" : $("more").dataset.label;
}

/** What follows from other controls: lists from the site, sliders from numbers, the window. */
function dependants() {
  const here = site();
  for (const [name, list] of [["point", "[data-point]"], ["positions", "[data-positions]"]]) {
    const select = panel().querySelector(list);
    if (select) select.value = here[name];
  }
  for (const slider of panel().querySelectorAll("[data-slides]")) slider.value = $(slider.dataset.slides).value;
  panel().querySelector("[data-when]").textContent = when();
}

function when() {
  const { from_sequences: from = 0, until_sequences: until = null } = clamp();
  const said = (number) => (typeof number === "number" ? number.toLocaleString("en-US") : number);
  if (!from && until === null) return "the whole training";
  if (until === null) return `from ${said(from)} sequences on`;
  return from ? `from ${said(from)} to ${said(until)} sequences` : `until ${said(until)} sequences`;
}

/** Lists write the site; sliders write their numbers. */
export function follow(control) {
  if (control.dataset.slides) $(control.dataset.slides).value = control.value;
  if ("point" in control.dataset) siteField().value = writeSite(moved(site(), control.value));
  if ("positions" in control.dataset) siteField().value = writeSite({ ...site(), positions: control.value });
  dependants();
}

/** The site at another point: as much of its layer and heads as that point has. */
function moved(here, point) {
  if (kind().layerless_points.includes(point)) return { ...placed(here, null, null), point };
  const layer = here.layer ?? "*";
  return { ...placed(here, layer, kind().head_points.includes(point) ? here.heads : null), point };
}

function put(control, text) {
  if (control.type === "checkbox") control.checked = text === "true";
  else control.value = text;
}

function isDefault(control) {
  return control.value.trim() === control.dataset.default;
}

function asText(value) {
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** What a control says, as JSON; what cannot be read is sent as it is, for the server to refuse. */
function valueOf(control) {
  if (control.type === "checkbox") return control.checked;
  const text = control.value.trim();
  if (text === "") return undefined;
  if (control.dataset.kind === "number") return numberOf(text) ?? text;
  if (control.dataset.kind === "numbers") {
    const all = text.replace(/^\[|\]$/g, "").split(",").map(numberOf);
    if (all.includes(undefined)) return text;
    return all.length === 1 && !text.startsWith("[") ? all[0] : all;
  }
  return text;
}

/** Whole numbers may be grouped: `100,000`. */
function numberOf(text) {
  const bare = text.trim().replace(/(?<=\d)[,_ \u2009](?=\d{3})/g, "");
  return bare !== "" && Number.isFinite(Number(bare)) ? Number(bare) : undefined;
}
