"""Another site, on this machine, and what its pages try."""

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Whatever a page can send without being asked back; each says what it got.
TRIES = """
async ([server, run]) => {
  const api = `${server}/api/v1/runs`;
  const plain = {method: "POST", mode: "no-cors", credentials: "include"};
  const text = {...plain, body: "{}", headers: {"Content-Type": "text/plain"}};
  const sent = await Promise.all([
    fetch(`${api}/${run}/cancel`, plain), fetch(api, text), fetch(`${api}/${run}/pause`, text),
    fetch(`${server}/runs`, {...plain, body: new URLSearchParams({name: "theirs"})}),
  ].map((one) => one.then(({type}) => type, () => "refused")));
  const read = await fetch(api).then((answer) => answer.text(), () => "refused");
  const stream = await new Promise((resolve) => {
    const source = new EventSource(`${api}/${run}/events`);
    source.addEventListener("run", () => resolve("heard"));
    source.onerror = () => resolve(source.close() ?? "refused");
  });
  const image = await new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve("loaded");
    image.onerror = () => resolve("refused");
    image.src = `${server}/static/img/icon.svg`;
  });
  return {sent, read, stream, image};
}
"""


class _Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>Another site</title>")

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def other_site() -> Iterator[int]:
    """The port where it is served, by any name of this machine."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Page) as server:
        threading.Thread(target=server.serve_forever, name="another site").start()
        yield server.server_port
        server.shutdown()
