// What the server answers.

const UNKNOWN = "The server could not do it; try again.";

/**
 * The body of its answer; null where it is away or refuses. Only that: a fault in what is done with
 * the answer is not the server's, and shows as what it is.
 * @param {string} url
 * @param {{as?: "json" | "text"}} how and whatever else `fetch` is told
 */
export async function read(url, { as = "json", ...request } = {}) {
  try {
    const answer = await fetch(url, request);
    return answer.ok ? await answer[as]() : null;
  } catch {
    return null;
  }
}

/** Parts of a page, as the server renders them for htmx; null as above. */
export async function readParts(url) {
  const text = await read(url, { as: "text", headers: { "HX-Request": "true" } });
  if (text === null) return null;
  const parts = document.createElement("template");
  parts.innerHTML = text;
  return parts.content;
}

/** Why it did not do something, of the page or the document that it answered with. */
export function reasonOf(text) {
  try {
    return JSON.parse(text).detail ?? UNKNOWN;
  } catch {
    const page = new DOMParser().parseFromString(text, "text/html");
    return page.querySelector("[role=alert] > h1 + p")?.textContent ?? UNKNOWN;
  }
}
