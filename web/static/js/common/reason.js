// Why the server did not do something, of the page or the document that it answered with.

const UNKNOWN = "The server could not do it; try again.";

export function reasonOf(text) {
  try {
    return JSON.parse(text).detail ?? UNKNOWN;
  } catch {
    const page = new DOMParser().parseFromString(text, "text/html");
    return page.querySelector("[role=alert] > h1 + p")?.textContent ?? UNKNOWN;
  }
}
