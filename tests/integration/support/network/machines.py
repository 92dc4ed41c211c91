"""Machines of their own on this one: network namespaces, which reach one address and no other.

That takes root. Elsewhere they are processes with folders of their own, and none is unplugged.
"""

import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Machine:
    """Where processes start. `prefix`: what a command begins with to run there."""

    name: str
    prefix: tuple[str, ...]
    cable: str  # its link to the others; empty: there is none

    def unplug(self) -> None:
        """From now on nothing gets to it or from it, and nobody is told."""
        if self.cable:
            _ip("link", "set", self.cable, "down")


@contextmanager
def machines(names: Sequence[str]) -> Iterator[tuple[str, list[Machine]]]:
    """The address that all of them reach, and the machines, until the block ends."""
    number = os.getpid()
    subnet, bridge = f"10.213.{number % 250}", f"ob{number}"
    with ExitStack() as stack:
        try:
            _ip("link", "add", bridge, "type", "bridge")
        except (OSError, subprocess.CalledProcessError):
            yield "127.0.0.1", [Machine(name, (), "") for name in names]
            return
        stack.callback(_gone, "link", "del", bridge)
        _ip("addr", "add", f"{subnet}.1/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        found = [
            stack.enter_context(_machine(name, f"o{number}{place}", bridge, f"{subnet}.{place}/24"))
            for place, name in enumerate(names, start=2)
        ]
        yield f"{subnet}.1", found


@contextmanager
def _machine(name: str, space: str, bridge: str, address: str) -> Iterator[Machine]:
    cable = f"v{space}"
    _ip("netns", "add", space)
    try:
        _ip("link", "add", cable, "type", "veth", "peer", "name", "net0", "netns", space)
        _ip("link", "set", cable, "master", bridge, "up")
        _ip("-n", space, "addr", "add", address, "dev", "net0")
        for link in ("lo", "net0"):
            _ip("-n", space, "link", "set", link, "up")
        yield Machine(name, ("ip", "netns", "exec", space), cable)
    finally:
        _gone("link", "del", cable)
        _gone("netns", "del", space)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _gone(*words: str) -> None:
    with suppress(subprocess.CalledProcessError):
        _ip(*words)
