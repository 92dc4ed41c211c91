// Charts whose figures say how high they are.

/**
 * Draws in an element as high as the figure wants it, or as high as the styles have it.
 * @param {number | undefined} height in pixels
 * @param {() => Promise} draw by Plotly, which keeps the size that an element had when it first drew there
 */
export async function drawAsHigh(element, height, draw) {
  element.style.height = height ? `${height}px` : "";
  await draw();
  const { clientHeight: high } = element; // whole pixels; 0 in what is folded
  if (high && Math.abs(element._fullLayout.height - high) >= 1) await window.Plotly.Plots.resize(element);
}
