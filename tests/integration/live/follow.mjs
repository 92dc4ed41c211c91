// A page that follows a run until it has ended, without a browser: says what it would have drawn.

import { Stream } from "../../../web/static/js/live/stream.js";

const [url, runId] = process.argv.slice(2);
const places = [];
globalThis.document = Object.assign(new EventTarget(), { hidden: false });
globalThis.addEventListener = () => {};

new Stream(url, { [runId]: -1 }, {
  measurements: ([{ measurements }]) => places.push(...measurements.map(({ sequences }) => sequences)),
  run: () => {},
  frames: () => {},
  state: (state, why) => {
    if (state !== "finished" && state !== "refused") return;
    process.stdout.write(JSON.stringify({ state, why, places }), () => process.exit());
  },
});
