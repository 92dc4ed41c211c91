// What people say of a run, changed from the list: sent with what it was before, so that nobody's
// words are overwritten unseen.

import { reasonOf } from "../common/answers.js";
import { rooted } from "../common/root.js";

const AWAY = "The server does not answer; try again.";

/** The run as it is now, or null. */
export async function runNow(id) {
  const answer = await fetch(rooted(`/api/v1/runs/${id}`)).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/**
 * @param {{name?: string, tags?: string[], notes?: string}} what
 * @param {object} was the same fields as they were; none: whatever they were
 * @returns {Promise<{run: object|null, wrong: string, isLate: boolean}>} `wrong`: empty if it is done
 */
export async function changeRun(id, what, was = undefined) {
  const answer = await fetch(rooted(`/api/v1/runs/${id}`), {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...what, was }),
  }).catch(() => null);
  if (answer?.ok) return { run: await answer.json(), wrong: "", isLate: false };
  const wrong = answer ? reasonOf(await answer.text()) : AWAY;
  return { run: null, wrong, isLate: answer?.status === 409 };
}
