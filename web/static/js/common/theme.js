// Light, dark or the system's.

import { remember } from "./remember.js";

const root = document.documentElement;

/** "system", "light" or "dark". */
export function currentTheme() {
  return root.dataset.theme ?? "system";
}

function choose(theme) {
  remember("theme", theme === "system" ? null : theme);
  show(theme);
}

/** Shows a theme without remembering it, as printing does. */
export function show(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  announce();
}

function announce() {
  say();
  document.dispatchEvent(new Event("themechange"));
}

function say() {
  const button = document.getElementById("theme-toggle");
  button.title = `Theme: ${currentTheme()}`;
  button.setAttribute("aria-label", button.title);
  for (const choice of choices()) choice.checked = choice.value === currentTheme();
}

function choices() {
  return document.querySelectorAll('#theme-menu input[name="theme"]');
}

for (const choice of choices()) choice.addEventListener("change", () => choose(choice.value));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", announce);
// Another tab has chosen.
addEventListener("storage", ({ key, newValue }) => {
  if (key === "optoscope.theme") show(newValue ?? "system");
});
say(); // and no more: what is drawn already is drawn as it is to be
