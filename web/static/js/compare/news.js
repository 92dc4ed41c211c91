// What comes live: appended to plain curves, else the figure is asked for again, at a calm pace. The other parts of the
// page hear of it by the event `runnews`.

import { Connection } from "../common/connection.js";
import { Stream } from "../live/stream.js";

const DRAW_EVERY = 300; // milliseconds at least
const SHARE = 8; // drawing takes at most one part in so many of the time
const LOAD_EVERY = 3000;
const MOST_POINTS = 18_000; // then the server thins again

/**
 * @param {{url: string, places: Object, chart: Object, load: Function, appended: Function, ended: Function,
 *   view: Function, isLoading: Function}} page
 */
export function goLive({ url, places, chart, load, appended, ended, view, isLoading }) {
  if (!Object.keys(places).length) return;
  let stream = null;
  const connection = new Connection(document.getElementById("connection"), () => stream?.heardAt);
  connection.ended = () => "all ended";
  let waiting = new Map();
  let timer = null;

  /** Whether all that waits belongs to plain curves that are drawn. */
  function isPlain() {
    const { group, smoothing, baseline } = view();
    const drawn = new Set(chart.figure.layout.meta.groups.map(({ run_id: runId }) => runId));
    const isKnown = [...waiting.keys()].every((runId) => drawn.has(runId));
    return isKnown && group === "each" && !smoothing && !baseline && chart.points < MOST_POINTS;
  }

  function schedule() {
    if (timer !== null) return;
    const wait = isPlain() ? Math.max(DRAW_EVERY, SHARE * chart.cost) : LOAD_EVERY;
    timer = setTimeout(() => requestAnimationFrame(flush), wait);
  }

  async function flush() {
    timer = null;
    if (isLoading()) return schedule(); // the figure that comes may not hold what waits
    // Asked again: a figure that was loaded since may have other curves, or the hand another view.
    const isEnough = isPlain();
    const news = waiting;
    // Taken before the drawing, which awaits: what comes during it is for the next turn.
    waiting = new Map();
    if (isEnough && chart.append(news)) appended();
    // The figure is asked for after its news came, and so holds them: the server has committed
    // what it tells.
    else if (!isEnough) await load();
    if (waiting.size) schedule();
  }

  stream = new Stream(url, places, {
    frames: (frames, runId) => tell({ runId, frames }),
    measurements: (news) => {
      for (const { runId, measurements } of news) {
        tell({ runId, measurements });
        waiting.set(runId, [...(waiting.get(runId) ?? []), ...measurements]);
      }
      schedule();
    },
    run: (run) => {
      tell({ runId: run.id, run });
      if (!run.is_terminal) return;
      load(); // what it came to
      ended();
    },
    state: (state, why) => connection.say(state, why),
  });
}

/** @param {{runId: string, frames?: number[], measurements?: object[], run?: object}} detail */
function tell(detail) {
  document.dispatchEvent(new CustomEvent("runnews", { detail }));
}
