"""The table of runs: what a row says, and older runs."""

from tests.integration.support.html import get
from tests.integration.support.rows import new_run

FRAGMENT = {"HX-Request": "true"}


def test_an_empty_table_offers_the_first_step(client):
    document = get(client, "/runs")

    assert "No runs yet" in document.one("section").text
    offered = [link.text for link in document.all("a", class_="button primary", href="/runs/new")]
    assert offered == ["New run", "Start the first run"]


def test_the_table_shows_state_progress_loss_phase_change_and_age(client, trained):
    document = get(client, "/runs")

    row = document.one("tr", id=f"run-{trained}").text
    for part in ("Trained", "fig 3", "running", "10k of 1M", "0.500", "6k", "just now"):
        assert part in row
    assert document.one("div", role="progressbar")["aria-valuenow"] == "1"
    assert document.one("tbody", hx_trigger="refresh")["data-refresh-seconds"] == "2"


def test_the_table_is_a_fragment_for_htmx(client, trained):
    answer = client.get("/runs", headers=FRAGMENT)

    assert answer.text.strip().startswith('<div id="runs-table"')
    assert "<html" not in answer.text


def test_older_runs_are_a_page_further(client, engine, outbox):
    runs = [new_run(engine, outbox) for _ in range(51)]

    first = get(client, "/runs")
    (older,) = [link for link in first.all("a", class_="button") if link.text == "Older runs"]
    second = get(client, older["href"])

    shown = [e["id"] for page in (first, second) for e in page.all("tr") if "id" in e.attributes]
    assert shown == [f"run-{run_id}" for run_id in reversed(runs)]
