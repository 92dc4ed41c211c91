// Server-sent events, read by hand: `EventSource` does not say why it was refused.

const PASSING = [408, 425, 429]; // and what is the server's own fault: asked again later

/** The server will not tell; `message` says why. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
    this.isPassing = status >= 500 || PASSING.includes(status);
  }
}

/**
 * Hands over events until the server ends the stream. Rejects with a `Refusal`, or with what `fetch`
 * says when there is no server.
 *
 * @param {string} url
 * @param {{signal: AbortSignal, opened: Function, told: (name: string, data: object) => void}} how
 */
export async function readEvents(url, { signal, opened, told }) {
  const answer = await fetch(url, { signal, cache: "no-store", headers: { Accept: "text/event-stream" } });
  const kind = answer.headers.get("Content-Type") ?? "";
  if (!answer.ok || !kind.startsWith("text/event-stream")) throw await refusalOf(answer);
  opened();
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    // The last part may be half of an event: it waits for its other half.
    const blocks = (rest + value).split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) tell(block, told);
  }
}

/** Of comments alone there is nothing to tell. */
function tell(block, told) {
  const fields = new Map(block.split(/\r?\n/).map((line) => line.split(/: ?(.*)/s)));
  if (fields.has("data")) told(fields.get("event"), JSON.parse(fields.get("data")));
}

async function refusalOf(answer) {
  // Of an answer that is no error, such as the form of a login in between.
  if (answer.ok) return new Refusal(403, "The server does not let this page follow its runs; reload it.");
  const problem = await answer.json().catch(() => null);
  return new Refusal(answer.status, problem?.detail ?? `The server answers ${answer.status}.`);
}
