// The loss of one of two runs on their time line: drawn by the server, and on by what comes live.

import { below, heightOf, joined } from "../charts/loss_line.js";

const [WIDTH, HEIGHT] = [1000, 36]; // of the drawing, as in app/services/charts/timeline.py

export class BesideLine {
  /** @param {SVGElement} svg @param {object} data of its run, as app/services/compare/beside.py tells it */
  constructor(svg, { id, end, line: { top, bottom, most, series } }) {
    Object.assign(this, { id, svg, top, bottom, most, series });
    this.drawnTo = end; // where the drawing ended at first: as wide as it was then
    [this.line, this.area] = ["line", "area"].map((name) => svg.querySelector(`.${name}`));
  }

  append(measurements) {
    let path = this.line.getAttribute("d");
    for (const { sequences, loss } of measurements) {
      const shown = loss[this.series];
      if (!Number.isFinite(shown)) continue;
      this.most ||= Math.max(shown, 1e-9);
      path = joined(path, (WIDTH * sequences) / this.drawnTo, heightOf(shown, this));
    }
    this.line.setAttribute("d", path);
    this.area.setAttribute("d", below(path, HEIGHT));
  }

  /** Where it lies on the time line, in shares of that, now that the run has come to `end`. */
  lay(left, right, end) {
    this.svg.style.left = `${100 * left}%`;
    this.svg.style.width = `${100 * (right - left)}%`;
    this.svg.setAttribute("viewBox", `0 0 ${(WIDTH * end) / this.drawnTo} ${HEIGHT}`);
  }
}
