// Two fingers on a chart: what lies under them stays under them, along x, as they move.

const NEAREST = 24; // pixels between fingers: what is closer would zoom without end

export class Pinch {
  #held = null; // the axis, and the places of it that the two fingers hold
  #range = null; // where they have moved the axis to

  /** @param {HTMLElement} element with a chart of Plotly's in it, now or later */
  constructor(element) {
    this.element = element;
    // Before Plotly, which keeps touches to itself.
    const listen = (name, act) => element.addEventListener(name, act, { capture: true, passive: false });
    listen("touchstart", (event) => this.#begin(event));
    listen("touchmove", (event) => this.#move(event));
    for (const name of ["touchend", "touchcancel"]) listen(name, () => this.#end());
  }

  #begin(event) {
    const { touches } = event;
    if (touches.length !== 2 || !this.element._fullLayout) return;
    event.stopPropagation(); // to Plotly two fingers are a double click
    const pixels = this.#pixels(touches);
    const axis = this.#axisUnder((pixels[0] + pixels[1]) / 2);
    if (axis) this.#held = { axis, places: pixels.map((one) => axis.p2r(one - axis._offset)) };
  }

  #move(event) {
    if (!this.#held || event.touches.length !== 2) return;
    event.preventDefault(); // else the browser makes the page larger
    const { axis, places } = this.#held;
    const [left, right] = this.#pixels(event.touches).map((one) => one - axis._offset);
    if (right - left < NEAREST) return;
    const [low, high] = places.map((place) => axis.r2l(place)); // on a logarithmic axis: decades
    const perPixel = (high - low) / (right - left);
    const first = low - perPixel * left;
    this.#range = [first, first + perPixel * axis._length];
    window.Plotly.relayout(this.element, { "xaxis.range": this.#range.map((end) => axis.l2r(end)) });
  }

  #end() {
    if (!this.#held) return;
    const { axis } = this.#held;
    this.#held = null;
    if (!this.#range) return;
    const [low, high] = this.#range.map((end) => axis.l2r(end));
    this.#range = null;
    // Both ends by themselves, as Plotly says what a hand did: whoever listens to that, hears it.
    window.Plotly.relayout(this.element, { "xaxis.range[0]": low, "xaxis.range[1]": high });
  }

  /** Left and right finger, in pixels from the left of the chart. */
  #pixels(touches) {
    const { left } = this.element.getBoundingClientRect();
    return [...touches].map(({ clientX }) => clientX - left).sort((one, other) => one - other);
  }

  #axisUnder(pixel) {
    const axes = Object.entries(this.element._fullLayout).filter(([name]) => /^xaxis\d*$/.test(name));
    return axes.map(([, axis]) => axis).find(({ _offset, _length }) => pixel >= _offset && pixel <= _offset + _length);
  }
}
