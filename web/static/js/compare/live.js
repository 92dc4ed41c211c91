// Numbers of measurements that come live.

/** The number of a measurement that a curve shows; `place` says where it is. */
export function numberAt(measurement, place) {
  const numbers = measurement[place.metric];
  if ("evaluator" in place) return numbers[place.evaluator];
  if ("head" in place) return numbers[place.layer]?.[place.head] ?? null;
  const heads = ("layer" in place ? numbers[place.layer] : numbers.flat()) ?? [];
  const known = heads.filter((number) => number !== null);
  return known.length ? Math.max(...known) : null;
}
