// The design tokens as colours that canvases and charts can use.

/** The colour that a CSS custom property stands for now, as rgb(). */
export function colour(name) {
  const probe = document.createElement("span");
  probe.style.color = `var(--${name})`;
  document.documentElement.append(probe);
  const value = getComputedStyle(probe).color;
  probe.remove();
  return value;
}
