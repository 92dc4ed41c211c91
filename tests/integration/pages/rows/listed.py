"""Reading the list of runs in tests, as a page and over the API."""

from tests.integration.support.html import Document

RUNS = "/api/v1/runs"


def shown(document: Document) -> list[str]:
    """Ids of the runs of a page or of a part of it."""
    return [
        e["value"]
        for e in document.all("input", type="checkbox")
        if e.attributes.get("name") == "run"
    ]


def in_pages(client, limit: int, **asked: object) -> list[str]:
    """The ids of a list, read in pages of so many."""
    found, cursor = [], ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        body = client.get(RUNS, params={**asked, "limit": limit, **more}).json()
        found += [run["id"] for run in body["runs"]]
        cursor = body["next_cursor"]
    return found
