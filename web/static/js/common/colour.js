// The design tokens as colours that canvases and charts can use.

const known = new Map(); // in the present theme: to ask costs a look at the whole page's styles

/** The colour that a CSS custom property stands for now, as rgb(). */
export function colour(name) {
  if (!known.has(name)) known.set(name, asked(name));
  return known.get(name);
}

function asked(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.documentElement.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}

// Before all that draw again then, since they import this.
document.addEventListener("themechange", () => known.clear());
