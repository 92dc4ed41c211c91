"""The address that Optoscope is reached at, taken before anything is started."""

import errno
import ipaddress
import socket
from dataclasses import dataclass

from app.stack.trouble import StackError


@dataclass(frozen=True)
class Listener:
    """An open listening socket."""

    socket: socket.socket
    host: str

    @property
    def port(self) -> int:
        """The port; a free one was chosen if 0 was asked for."""
        port: int = self.socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """What to type into a browser on this machine."""
        host = self.local_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def local_host(self) -> str:
        """How this machine reaches it; "all addresses" is none that one can go to."""
        address = self.socket.getsockname()[0]
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, self.host)

    @property
    def is_public(self) -> bool:
        """Whether other machines can reach it."""
        return not ipaddress.ip_address(self.socket.getsockname()[0]).is_loopback


def listen(host: str, port: int) -> Listener:
    """Takes the address, or says why not."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise StackError(
            f"{host} is no address of this machine ({error.strerror}); write one with --host."
        ) from None
    try:
        # Connections of the Optoscope before linger for a minute, and would keep the port from us.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        # Already here: who asks before the web server is up waits in this queue, instead of being
        # refused. Our own copy stays open while the web server is started again.
        opened.listen(1024)
    except OSError as error:
        opened.close()
        raise StackError(_refusal(host, port, error)) from None
    return Listener(opened, host)


def _refusal(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRNOTAVAIL:
        return f"This machine does not have the address {host}; choose another with --host."
    if error.errno == errno.EADDRINUSE:
        reason = "another program uses it"
    elif error.errno == errno.EACCES:
        reason = "ports below 1024 are for root"
    else:
        reason = str(error.strerror)
    return f"Port {port} of {host} cannot be taken: {reason}; choose another with --port."
