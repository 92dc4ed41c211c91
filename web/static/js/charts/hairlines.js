// Thin lines over a chart, at the moment that the pointer is over; no part of the figure, which would
// have to be drawn again at every move.

export class Hairlines {
  #lines = [];

  constructor(element) {
    this.element = element;
  }

  /** @param {Record<string, number>[]} sides of each in pixels: left, and what the style leaves open */
  show(sides) {
    while (this.#lines.length < sides.length) this.#lines.push(this.#made());
    this.#lines.forEach((line, index) => {
      line.hidden = index >= sides.length;
      for (const [side, pixels] of Object.entries(sides[index] ?? {})) line.style[side] = `${pixels}px`;
    });
  }

  #made() {
    const line = document.createElement("i");
    line.className = "hairline";
    this.element.append(line);
    return line;
  }
}
