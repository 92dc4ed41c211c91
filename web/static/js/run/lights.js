// When the lights on heads are on.

/** Whether a light on a head is on in a frame, which is of the model before the update there. */
export function isLit({ dataset }, frame) {
  if (!dataset.windows || !frame) return true;
  return JSON.parse(dataset.windows).some(
    ([from, until]) => from <= frame.sequences && (until === null || frame.sequences < until),
  );
}
