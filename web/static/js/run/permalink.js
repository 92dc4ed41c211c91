// What attention and circuit show, in the address after the #, so that it can be sent.

const HAND_RESTS = 400; // milliseconds before the address is rewritten
const FORM =
  /^#L(\d+)H(\d+)\.probe(\d+)(?:\.at(\d+))?(?:\.minus-([a-z0-9]+))?(?:\.by-([qv]))?(?:\.over-(chance))?$/;

/** Shows what the address names, and keeps it up to date. */
export function keepInAddress(attention, circuit) {
  recall(attention, circuit);
  let writing = null;
  const remember = () => {
    clearTimeout(writing);
    writing = setTimeout(() => write(attention, circuit), HAND_RESTS);
  };
  addEventListener("hashchange", () => recall(attention, circuit)); // another view of this page
  attention.addEventListener("moved", remember);
  circuit.addEventListener("moved", remember);
}

/** Also starts the frames: from the place that the address names, or from the newest. */
function recall(attention, circuit) {
  const found = location.hash.match(FORM);
  const [layer, head, probe, at] = found ? found.slice(1, 5).map(Number) : [];
  if (found) {
    attention.select(layer, head);
    attention.turnTo(probe - 1);
    if (found[5]) attention.difference.choose(found[5]);
    circuit.choose(found[6] ?? "k", found[7] ?? "start");
  }
  attention.frames.start();
  if (Number.isFinite(at)) attention.frames.goTo(at);
}

function write(attention, circuit) {
  const { following, target } = attention.frames;
  const { from } = attention.difference;
  const parts = [
    `#L${attention.layer}H${attention.head}`,
    `probe${attention.sequence + 1}`,
    following || target === undefined ? "" : `at${target}`,
    from && `minus-${from}`,
    circuit.reading === "k" ? "" : `by-${circuit.reading}`,
    circuit.over === "start" ? "" : `over-${circuit.over}`,
  ];
  const view = parts.filter(Boolean).join(".");
  if (view !== location.hash) history.replaceState(history.state, "", view);
}
