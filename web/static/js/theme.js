// Light, dark or the system's; and the design tokens as colours that canvases and charts can use.

const THEMES = ["system", "light", "dark"];
const root = document.documentElement;

function current() {
  return root.dataset.theme ?? "system";
}

function choose(theme) {
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem("optoscope.theme");
    else localStorage.setItem("optoscope.theme", theme);
  } catch {
    // Not remembered then.
  }
  announce();
}

function announce() {
  const button = document.getElementById("theme-toggle");
  button.hidden = false;
  button.title = `Theme: ${current()}`;
  button.setAttribute("aria-label", button.title);
  document.dispatchEvent(new Event("themechange"));
}

/** The colour that a CSS custom property stands for now, as rgb(). */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  root.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

document.getElementById("theme-toggle").addEventListener("click", () => {
  choose(THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length]);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", announce);
announce();
