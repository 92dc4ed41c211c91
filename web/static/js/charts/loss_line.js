// Lines of losses in drawings that the server began, and what lies below them.

/** The path with one more point at its end. */
export function joined(path, x, y) {
  return `${path}${path ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
}

/** How far down a loss lies in a drawing that has 0 at `bottom` and `most` at `top`. */
export function heightOf(loss, { top, bottom, most }) {
  return bottom - (bottom - top) * Math.min(loss / most, 1);
}

/** What lies below a line down to the foot of the drawing, gap by gap. */
export function below(path, foot) {
  const closed = (part) => `M${part}V${foot}H${part.split(" ")[0]}Z`;
  return path.split("M").slice(1).map(closed).join("");
}
