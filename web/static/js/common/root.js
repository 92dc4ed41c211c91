// Where Optoscope is served: at the root of its host, or below a path, as behind some proxies.

/** What stands before every address of ours: nothing, or `/proxy/8000`. */
const root = new URL(import.meta.url).pathname.split("/static/", 1)[0];

/** An address as the browser has to ask for it. */
export const rooted = (address) => (address.startsWith("/") ? root + address : address);
