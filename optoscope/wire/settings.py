"""Where the server is and what lets one in: from arguments, or else from the environment."""

import os
from ipaddress import ip_address
from pathlib import Path

import httpx

LOCAL = "http://127.0.0.1:8000"  # where `optoscope up` serves unless told otherwise
URL, TOKEN, TOKEN_FILE = "OPTOSCOPE_URL", "OPTOSCOPE_TOKEN", "OPTOSCOPE_TOKEN_FILE"


def address(url: str | None) -> str:
    """The address of the server, without the slash at its end; `ValueError` if it is none."""
    found = (url or os.environ.get(URL) or LOCAL).strip()
    if "://" not in found:
        found = f"http://{found}"
    try:
        parsed = httpx.URL(found)
    except httpx.InvalidURL as error:
        raise ValueError(f"{found!r} is no address ({error}); {_RIGHT}") from None
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError(f"{found!r} is no address of a server; {_RIGHT}")
    return found.rstrip("/")


_RIGHT = f"write one such as {LOCAL} or https://lab.example.org/optoscope"


def token(given: str | None, file: str | Path | None = None) -> str:
    """The token to send; empty: none, for servers that ask for none. Raises `ValueError`.

    An argument before the environment, and a token before a file, as the server reads them.
    """
    if given is not None:
        return given.strip()
    if file is None and (found := os.environ.get(TOKEN, "").strip()):
        return found
    path = file or os.environ.get(TOKEN_FILE)
    return _read(Path(path)) if path else ""


def _read(path: Path) -> str:
    try:
        found = path.read_text().strip()
    except OSError as error:
        raise ValueError(f"The token file cannot be read: {error}.") from None
    if not found:
        raise ValueError(f"The token file {path} is empty.")
    return found


def is_own_machine(url: str) -> bool:
    """Whether the address is of this machine, where no proxy of the environment leads."""
    host = httpx.URL(url).host
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
