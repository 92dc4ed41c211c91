"""The web server as a child: serves on a socket that its parent opened and keeps.

So the address is ours from the first moment to the last, and a browser that asks while the server
is being started again waits instead of being refused.
"""

import socket
import sys

import uvicorn

from app.config import Settings
from app.logs import log_to_stderr

GRACE_SECONDS = 3  # open streams end then; browsers reconnect by themselves
STALLED_SECONDS = 60.0  # without taking anything that waits for it; then a client is cut


def serve(descriptor: int) -> None:
    """Serves until it is told to stop."""
    # The parent keeps a copy: when we end, connections wait in the queue for our successor.
    serve_on(socket.socket(fileno=descriptor))


def serve_on(listener: socket.socket) -> None:
    """The same, on a socket of this process."""
    settings = Settings()  # those of the environment, which the parent has checked
    log_to_stderr(settings.log_format)
    trusted = settings.trusted_proxies
    config = uvicorn.Config(
        "app.main:create_app",
        factory=True,
        log_config=None,  # ours, of every process
        # Who may say for whom, and over https, it asks: by default nobody, as whoever can reach us
        # could say so.
        proxy_headers=bool(trusted),
        forwarded_allow_ips=trusted or None,
        access_log=False,  # the log would grow with every poll
        # Streams end by themselves at the signal (see `main`); this is for clients that take
        # nothing.
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    cut_stalled(listener, STALLED_SECONDS)
    uvicorn.Server(config).run(sockets=[listener])


def cut_stalled(listener: socket.socket, seconds: float) -> None:
    """Has the system end connections of clients that take nothing for so long."""
    # What they are owed would wait here until they leave, which a browser that is stopped, or whose
    # machine was switched off, never says. Connections inherit it. Systems that do not know it keep
    # such a connection, and at most 64 kB and an event for it.
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        milliseconds = round(1000 * seconds)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
