"""Secrets that are files: `OPTOSCOPE_X_FILE` in place of `OPTOSCOPE_X`, as containers have them.

A password may lie in a file of its own, so that the server that asks for it reads the same file;
it is put into the address, which is then none of the secrets.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

ADDRESSES = ("database_url", "redis_url")
KEYS = ("webhook_secret",)
PASSWORDS = {"database_url": "database_password", "redis_url": "redis_password"}


def with_secrets(given: Mapping[str, Any]) -> dict[str, Any]:
    """What was given, with what files hold in its place. Raises `ValueError`.

    A value that is given as such comes before its file, unless it is empty.
    """
    found = dict(given)
    for name in (*ADDRESSES, *PASSWORDS.values(), *KEYS):
        file = found.get(f"{name}_file")
        if file and not found.get(name):
            found[name] = _read(f"OPTOSCOPE_{name}_FILE".upper(), Path(str(file)))
    for address, password in PASSWORDS.items():
        if found.get(address) and found.get(password):
            found[address] = with_password(str(found[address]), _plain(found[password]))
    return found


def with_password(url: str, password: str) -> str:
    """The address with the password, unless it has one already or is no server's."""
    parts = urlsplit(url)
    user, _, server = parts.netloc.rpartition("@")
    if not server or ":" in user:
        return url
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{server}"))


def _plain(secret: object) -> str:
    said = getattr(secret, "get_secret_value", None)
    return str(said() if said else secret)


def _read(name: str, path: Path) -> str:
    try:
        found = path.read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{name} cannot be read: {error}") from None
    if not found:
        raise ValueError(f"{name}, {path}, is empty")
    return found
