"""Names, tags and notes of a run, and what notes may hold."""

import pytest

from app.services.notes import notes_html
from tests.integration.support.html import Document, get


def test_a_run_is_renamed_and_given_notes_and_tags_on_its_page(client, trained):
    form = {"name": " Better ", "tags": "a, b, a", "notes": "**Why**\r\n\r\n- it fell"}

    answer = client.post(f"/runs/{trained}/about", data=form)

    assert (answer.status_code, answer.headers["Location"]) == (303, f"/runs/{trained}")
    run = client.get(f"/api/v1/runs/{trained}").json()
    assert (run["name"], run["tags"]) == ("Better", ["a", "b"])
    assert run["notes"] == "**Why**\n\n- it fell"
    document = get(client, f"/runs/{trained}")
    assert document.one("h1").text == "Better"
    assert "<strong>Why</strong>" in client.get(f"/runs/{trained}").text
    assert document.one("textarea", name="notes").text == "**Why** - it fell"
    [edit] = get(client, "/runs").all("a", href=f"/runs/{trained}#about")
    assert edit["aria-label"].startswith("Notes and tags")
    refused = client.post(f"/runs/{trained}/about", data={**form, "name": " "})
    assert refused.status_code == 422
    assert "Name: write one" in Document(refused.text).one("section", role="alert").text


@pytest.mark.parametrize(
    "notes",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        '[x](https://a.b "q\\" onclick=alert(1) ")',
        "![x](https://elsewhere/who-reads.png)",
        "<javascript:alert(1)>",
        "# a\n\n```\n</textarea><script>\n```",
    ],
)
def test_nothing_in_notes_runs_or_is_fetched(notes):
    document = Document(f"<main>{notes_html(notes)}</main>")

    assert not {"script", "img", "textarea", "iframe"} & {one.tag for one in document.elements}
    for element in document.elements:
        assert not [name for name in element.attributes if name.startswith("on")]
        assert not element.attributes.get("href", "").startswith(("javascript", "data", "vb"))
