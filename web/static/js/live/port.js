// A page's way to a hub: the one that all tabs share, or where there is none one of its own.

import { StreamHub } from "./hub.js";

/** Browsers without shared workers (some on telephones), or where they are forbidden, say null. */
export function sharedPort() {
  try {
    // A file like this page's own, and beside it: see app/assets/bundles.py.
    return new SharedWorker(new URL("./live.shared.js", import.meta.url), { type: "module" }).port;
  } catch {
    return null;
  }
}

export function ownPort() {
  const { port1, port2 } = new MessageChannel();
  new StreamHub().add(port1);
  return port2;
}
