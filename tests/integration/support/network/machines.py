"""Machines of their own on this one: network namespaces, which reach one address and no other.

That takes root. Elsewhere they are processes with folders of their own, and none is unplugged.

What connects them is in a namespace, too, and this machine's own network stays as it is: browsers,
of tests that run meanwhile, break off what they load when it changes.
"""

import ctypes
import os
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from threading import Thread

SUBNET, BRIDGE = "10.213.0", "bridge"
NEW_NETWORK = 0x40000000  # CLONE_NEWNET of Linux


@dataclass(frozen=True)
class Machine:
    """Where processes start. `prefix`: what a command begins with to run there."""

    name: str
    prefix: tuple[str, ...]
    hub: str  # the namespace that its cable leads to; empty: there is none

    def unplug(self) -> None:
        """From now on nothing gets to it or from it, and nobody is told."""
        if self.hub:
            _ip("-n", self.hub, "link", "set", self.name, "down")


@dataclass(frozen=True)
class Network:
    """Machines, and the address that all of them reach."""

    address: str
    machines: list[Machine]
    hub: str  # the namespace of that address; empty: it is this machine's

    def listener(self) -> socket.socket:
        """A socket that listens there, at a free port."""
        if not self.hub:
            return socket.create_server((self.address, 0))
        found: list[socket.socket] = []
        # A thread has a network of its own, and a socket that of the thread that made it.
        thread = Thread(target=lambda: found.append(self._listen()))
        thread.start()
        thread.join()
        return found[0]

    def _listen(self) -> socket.socket:
        with open(f"/run/netns/{self.hub}") as space:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(space.fileno(), NEW_NETWORK) != 0:
                raise OSError(ctypes.get_errno(), f"{self.hub} cannot be entered")
        return socket.create_server((self.address, 0))


@contextmanager
def network(names: Sequence[str]) -> Iterator[Network]:
    """Machines of these names, until the block ends."""
    hub = f"optoscope-{os.getpid()}"
    with ExitStack() as stack:
        try:
            stack.enter_context(_space(hub))
        except (OSError, subprocess.CalledProcessError):
            yield Network("127.0.0.1", [Machine(name, (), "") for name in names], "")
            return
        _ip("-n", hub, "link", "add", BRIDGE, "type", "bridge")
        _ip("-n", hub, "addr", "add", f"{SUBNET}.1/24", "dev", BRIDGE)
        _ip("-n", hub, "link", "set", BRIDGE, "up")
        found = [
            stack.enter_context(_machine(name, hub, f"{SUBNET}.{place}/24"))
            for place, name in enumerate(names, start=2)
        ]
        yield Network(f"{SUBNET}.1", found, hub)


@contextmanager
def _machine(name: str, hub: str, address: str) -> Iterator[Machine]:
    space = f"{hub}-{name}"
    with _space(space):
        cable = ("type", "veth", "peer", "name", "net0", "netns", space)
        _ip("-n", hub, "link", "add", name, *cable)
        _ip("-n", hub, "link", "set", name, "master", BRIDGE, "up")
        _ip("-n", space, "addr", "add", address, "dev", "net0")
        _ip("-n", space, "link", "set", "net0", "up")
        yield Machine(name, ("ip", "netns", "exec", space), hub)


@contextmanager
def _space(name: str) -> Iterator[None]:
    _ip("netns", "add", name)
    try:
        _ip("-n", name, "link", "set", "lo", "up")
        yield
    finally:
        _gone("netns", "del", name)  # and what is in it


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _gone(*words: str) -> None:
    with suppress(subprocess.CalledProcessError):
        _ip(*words)
