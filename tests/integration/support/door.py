"""Tokens and logins, as programs and browsers send them to a server that asks for them."""

import httpx

TOKEN = "the token of this server"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def make(admin: httpx.Client, scope: str) -> tuple[str, dict[str, str]]:
    """A new token: its id, and what a program sends with it."""
    made = admin.post("/api/v1/tokens", json={"name": f"for {scope}", "scope": scope}).json()
    return made["id"], bearer(made["token"])


def log_in(client: httpx.Client, token: str = TOKEN, to: str = "/runs") -> httpx.Response:
    """As our own login page does it."""
    return client.post("/login", data={"token": token, "next": to}, headers=own(client))


def own(client: httpx.Client) -> dict[str, str]:
    """What a browser adds to what a page of ours sends."""
    return {"Origin": str(client.base_url).rstrip("/")}
