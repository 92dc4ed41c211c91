// Charts whose figures say how high they are.

/**
 * The part of a layout that has a figure drawn as high as it wants, or as high as the styles have its
 * place: by itself Plotly keeps the height that a place had when it first drew there.
 * @param {number | undefined} wanted in pixels
 */
export function asHigh(element, wanted) {
  element.style.height = wanted ? `${wanted}px` : "";
  const { clientHeight: height } = element; // whole pixels; 0 in what is folded
  return height ? { height } : {};
}
