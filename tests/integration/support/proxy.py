"""A proxy in front of a web server, which cuts connections when a test says so."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class CuttingProxy:
    """Hands on what comes, both ways. `to`: the port of the server, which may be replaced."""

    def __init__(self, listener: socket.socket, to: int) -> None:
        self.to = to
        self.port = int(listener.getsockname()[1])
        self._listener = listener
        self._open: set[socket.socket] = set()

    @property
    def connections(self) -> int:
        """How many clients are connected to a server."""
        return len(self._open)

    def cut(self) -> None:
        """Ends every connection, in the middle of whatever it hands on."""
        for client in list(self._open):
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        with suppress(OSError):  # closed: the test is over
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection(("127.0.0.1", self.to)) as server:
            self._open.add(client)
            try:
                there = threading.Thread(target=_pump, args=(client, server), daemon=True)
                there.start()
                _pump(server, client)
                there.join()
            finally:
                self._open.discard(client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while part := source.recv(4096):
            sink.sendall(part)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(to: int) -> Iterator[CuttingProxy]:
    """Listens until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        proxy = CuttingProxy(listener, to)
        thread = threading.Thread(target=proxy.serve, name="proxy", daemon=True)
        thread.start()
        yield proxy
        proxy.cut()
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join()
