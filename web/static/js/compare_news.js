// What comes live: appended to plain curves, else the figure is asked for again, at a calm pace.

import { follow } from "./compare_live.js";

const DRAW_EVERY = 300; // milliseconds at least
const SHARE = 8; // drawing takes at most one part in so many of the time
const LOAD_EVERY = 3000;
const MOST_POINTS = 18_000; // then the server thins again

/** @param {{places: Object, chart: Object, load: Function, view: Function}} page */
export function goLive({ places, chart, load, view }) {
  if (!Object.keys(places).length) return;
  const indicator = document.getElementById("connection");
  let waiting = new Map();
  let timer = null;

  const isPlain = () => {
    const { group, smoothing, baseline } = view();
    return group === "each" && !smoothing && !baseline;
  };

  function schedule() {
    if (timer !== null) return;
    const wait = isPlain() ? Math.max(DRAW_EVERY, SHARE * chart.cost) : LOAD_EVERY;
    timer = setTimeout(() => requestAnimationFrame(flush), wait);
  }

  async function flush() {
    const news = waiting;
    waiting = new Map();
    const knows = chart.figure.layout.meta.groups.map(({ run_id: runId }) => runId);
    const isKnown = [...news.keys()].every((runId) => knows.includes(runId));
    if (isPlain() && isKnown && chart.points < MOST_POINTS) chart.append(news);
    else await load();
    timer = null;
    if (waiting.size) schedule();
  }

  follow(places, {
    measurements: (news) => {
      for (const { runId, measurements } of news) {
        waiting.set(runId, [...(waiting.get(runId) ?? []), ...measurements]);
      }
      schedule();
    },
    run: (run) => {
      if (run.is_terminal) load(); // what it came to
    },
    state: (state) => {
      indicator.dataset.state = indicator.textContent = state;
    },
  });
}
