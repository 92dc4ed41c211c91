// Several runs in one stream. Its events say whose they are; this keeps how far each was heard.

import { Stream } from "../common/stream.js";

class Places {
  constructor(places) {
    this.places = new Map(Object.entries(places));
  }

  toString() {
    // In the order of the runs in the address, as a Map keeps it: the server pairs them by their
    // index.
    return [...this.places.values()].join(",");
  }

  /** Of `{run_id, data}`, data being one measurement or several: what is new, run by run. */
  take(events) {
    return [events].flat().flatMap(({ run_id: runId, data }) => {
      // A run's own events come in order, those of different runs in any: each has its own place.
      const fresh = [data].flat().filter(({ sequences }) => sequences > this.places.get(runId));
      if (!fresh.length) return [];
      this.places.set(runId, fresh.at(-1).sequences);
      return [{ runId, measurements: fresh }];
    });
  }
}

/**
 * @param {Object<string, number>} places how far each run is on the page
 * @param {{measurements: Function, run: Function, ended: Function, state: Function}} listener
 */
export function follow(places, listener) {
  const url = `/api/v1/events?runs=${Object.keys(places).join(",")}`;
  const ignored = () => {};
  return new Stream(url, new Places(places), {
    frames: ignored,
    ...listener,
    run: ({ data }) => listener.run(data),
  });
}

/** The number of a measurement that a curve shows; `place` says where it is. */
export function numberAt(measurement, place) {
  const numbers = measurement[place.metric];
  if ("evaluator" in place) return numbers[place.evaluator];
  if ("head" in place) return numbers[place.layer]?.[place.head] ?? null;
  const heads = ("layer" in place ? numbers[place.layer] : numbers.flat()) ?? [];
  const known = heads.filter((number) => number !== null);
  return known.length ? Math.max(...known) : null;
}
