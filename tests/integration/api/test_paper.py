"""REST and pages of the paper's figures: listed, made once, drawn beside the published numbers."""

from concurrent.futures import ThreadPoolExecutor

from app.db.recording import StoredFile
from app.schemas.paper.registry import BY_ID, FIGURES
from app.schemas.state import RunState
from tests.integration.support.rows import add, add_checkpoint, measurement, moved, new_run

PAPER = "/api/v1/figures/paper"
ENDED = (RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
FALL = {0: 1.9, 10_000: 0.8, 20_000: 0.4, 30_000: 0.01}


def trained(engine, outbox, config, losses=FALL, states=ENDED) -> str:
    """A run of a figure whose loss fell so."""
    run_id = new_run(engine, outbox, config)
    moved(engine, outbox, run_id, *states[:2])
    add(engine, run_id, *(measurement(place, loss=loss) for place, loss in losses.items()))
    moved(engine, outbox, run_id, *states[2:])
    return run_id


def test_all_figures_are_listed_and_none_is_made_at_first(client):
    listed = client.get(PAPER).json()["figures"]

    assert [one["id"] for one in listed] == [figure.id for figure in FIGURES]
    steps = next(one for one in listed if one["id"] == "fig-5b")
    assert (steps["state"], steps["runs"], steps["finished"], steps["going"]) == (
        "not made",
        6,
        0,
        0,
    )
    assert client.get(f"{PAPER}/fig-99").status_code == 404
    assert client.get("/paper").status_code == 200
    for figure in FIGURES:
        assert client.get(f"/paper/{figure.id}").status_code == 200
        assert client.get(f"{PAPER}/{figure.id}").status_code == 200
        assert client.get(f"{PAPER}/{figure.id}/figure").status_code == 200


def test_one_click_launches_what_is_missing_and_runs_that_figures_share_once(client, outbox):
    planned = client.post(f"{PAPER}/fig-5b/make?dry_run=true").json()
    assert (planned["study_id"], planned["launched"]) == (None, 6)
    assert planned["estimate"]["sequences"] == 3_600_000
    assert outbox.waiting() == 0

    made = client.post(f"{PAPER}/fig-5b/make")
    assert made.status_code == 202
    study = client.get(f"/api/v1/studies/{made.json()['study_id']}").json()
    assert (study["name"], study["tags"], len(study["runs"])) == ("Paper, Fig. 5b", ["paper"], 6)

    again = client.post(f"{PAPER}/fig-5b/make").json()
    assert (again["study_id"], again["launched"], again["reused"]) == (None, 0, 6)
    shared = client.post(f"{PAPER}/fig-8/make").json()
    assert (shared["launched"], shared["reused"]) == (3, 2)
    assert outbox.waiting() == 9
    assert client.get(f"{PAPER}/fig-5b").json()["state"] == "training"
    assert client.post(f"{PAPER}/fig-1/make").status_code == 409


def test_two_clicks_at_once_train_nothing_twice(client, outbox):
    with ThreadPoolExecutor(2) as pool:
        answers = list(
            pool.map(client.post, [f"{PAPER}/{one}/make" for one in ("fig-5b", "fig-8")])
        )

    assert [answer.status_code for answer in answers] == [202, 202]
    launched = sum(answer.json()["launched"] for answer in answers)
    assert (launched, outbox.waiting()) == (9, 9)


def test_a_run_that_failed_is_trained_again_and_one_that_finished_is_not(client, engine, outbox):
    [main] = BY_ID["fig-3a"].runs
    failed = new_run(engine, outbox, main.config)
    moved(engine, outbox, failed, RunState.STARTING, RunState.FAILED)
    assert client.get(f"{PAPER}/fig-3a").json()["state"] == "not made"
    assert client.post(f"{PAPER}/fig-3a/make?dry_run=true").json()["launched"] == 1

    finished = trained(engine, outbox, main.config)
    later = new_run(engine, outbox, main.config)
    for state in (RunState.STARTING, RunState.FAILED):
        found = client.get(f"{PAPER}/fig-3a").json()
        assert (found["state"], found["members"][0]["run_id"]) == ("ready", finished)
        moved(engine, outbox, later, state)
    assert client.post(f"{PAPER}/fig-3a/make").json()["launched"] == 0
    assert client.get(f"{PAPER}/fig-4a").json()["state"] == "needs analyses"
    assert client.get(f"{PAPER}/fig-4b").json()["state"] == "partly made"

    asked = {"run": finished, "preset": "every-head"}
    for name, value in asked.items():
        assert f'name="{name}" value="{value}"' in client.get("/paper/fig-4a").text
    assert 'action="/analyses"' in client.get("/paper").text
    add_checkpoint(engine, finished, StoredFile(1_000_000, "file:///nowhere", 7, "0" * 64))
    answer = client.post("/analyses", data=asked, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"][:10]) == (303, "/analyses/")


def test_ours_stand_beside_the_published_numbers_and_claims_are_checked(client, engine, outbox):
    sooner = {0: 1.9, 1_000: 0.01}
    for run in BY_ID["fig-5b"].runs:
        trained(engine, outbox, run.config, sooner if run.name == "Layer 1 and copy" else FALL)
    found = client.get(f"{PAPER}/fig-5b").json()

    [half] = [
        one
        for one in found["deviations"]
        if one["line"] == "none" and one["what"] == "falls below ½ ln 2 at"
    ]
    assert 20_000 < half["ours"] < 30_000
    assert half["published"] == 292_000
    assert half["ratio"] == half["ours"] / 292_000
    holds = {claim["text"]: claim["holds"] for claim in found["claims"]}
    assert holds["With layer 1 and copy given, the rest is soonest."] is True
    assert holds["Nothing clamped has the longest plateau near ln 2."] is True

    drawn = client.get(f"{PAPER}/fig-5b/figure").json()
    modes = [trace["mode"] for trace in drawn["data"]]
    assert (modes.count("lines"), modes.count("markers")) == (6, 6)
    assert {t["name"] for t in drawn["data"] if t["mode"] == "markers"} == {"paper, Omniglot"}
    table = client.get(f"{PAPER}/fig-5b/table.csv")
    assert table.headers["content-type"].startswith("text/csv")
    assert "ours,none,loss.train,20000,0.4\n" in table.text
    assert '"paper, Omniglot",none,loss.train,10000,1.39\n' in table.text


def test_a_figure_goes_from_its_page_and_shows_how_far_it_is(client):
    answer = client.post("/paper/fig-3a/make", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/paper/fig-3a")

    page = client.get("/paper/fig-3a").text
    assert "training, 0 of 1 runs ready" in page
    assert "Make this figure" not in page
    assert "not known yet" in client.get("/paper/fig-3a/status").text
