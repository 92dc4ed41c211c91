"""REST and pages of the paper's figures: listed, made once, drawn beside the published numbers."""

from concurrent.futures import ThreadPoolExecutor

from app.db import analyses
from app.db.engine import session_scope
from app.db.recording import StoredFile
from app.schemas.analyses.read import AnalysisResult
from app.schemas.paper.registry import BY_ID, FIGURES
from app.schemas.state import RunState
from tests.integration.support.rows import add, add_checkpoint, measurement, moved, new_run
from tests.integration.support.wait import sweep
from tests.published_analyses import every_head

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


def test_analyses_are_asked_with_the_runs_and_wait_for_them(client, engine, outbox):
    planned = client.post(f"{PAPER}/fig-4a/make?dry_run=true").json()
    assert (planned["launched"], planned["analyses"]) == (1, 1)
    assert planned["analysis_seconds"] > 0
    assert "1 run, about" in client.get("/paper/fig-4a").text

    made = client.post(f"{PAPER}/fig-4a/make").json()
    assert (made["launched"], made["analyses"]) == (1, 1)
    shared = client.post(f"{PAPER}/table-2/make").json()
    assert (shared["launched"], shared["reused"], shared["analyses"]) == (0, 1, 0)
    found = client.get(f"{PAPER}/fig-4a").json()
    [asked] = found["analyses"]
    run_id = found["members"][0]["run_id"]
    assert (found["state"], asked["preset"], asked["state"]) == ("training", "every-head", "queued")
    analysis = client.get(f"/api/v1/analyses/{asked['analysis_id']}").json()
    assert (analysis["run_id"], analysis["total"]) == (run_id, 0)

    moved(engine, outbox, run_id, *ENDED)
    assert client.get(f"{PAPER}/fig-4a").json()["state"] == "analysing"
    assert "trained; being analysed" in client.get("/paper").text
    assert client.post(f"/api/v1/analyses/{asked['analysis_id']}/cancel").status_code == 202
    assert client.get(f"{PAPER}/fig-4a").json()["state"] == "needs analyses"
    add_checkpoint(engine, run_id, StoredFile(1_000_000, "file:///nowhere", 7, "0" * 64))
    again = client.post(f"{PAPER}/fig-4a/make").json()
    assert (again["study_id"], again["launched"], again["analyses"]) == (None, 0, 1)


def test_what_an_analysis_found_is_in_tables_claims_picture_and_csv(client, engine, outbox):
    made = client.post(f"{PAPER}/fig-4a/make").json()
    found = client.get(f"{PAPER}/fig-4a").json()
    run_id, analysis_id = found["members"][0]["run_id"], found["analyses"][0]["analysis_id"]
    assert made["analyses"] == 1
    assert {claim["holds"] for claim in found["claims"]} == {None}
    moved(engine, outbox, run_id, *ENDED)
    answered(engine, analysis_id, every_head())

    found = client.get(f"{PAPER}/fig-4a").json()

    assert found["state"] == "ready"
    assert [claim["holds"] for claim in found["claims"]] == [True, True]
    labels = [row[0] for row in found["tables"][0]["rows"]]
    assert labels == [
        "head, ours",
        "head, paper, Omniglot",
        "only this head, ours",
        "only this head, paper, Omniglot",
    ]
    drawn = client.get(f"{PAPER}/fig-4a/figure").json()
    names = [trace["name"] for trace in drawn["data"]]
    assert names == ["kept alone", "removed", "kept alone: paper, Omniglot"]
    assert drawn["layout"]["meta"]["height"] > 0
    assert '"only this head, ours",0.98019,0.76506' in client.get(f"{PAPER}/fig-4a/table.csv").text
    page = client.get("/paper/fig-4a/status").text
    assert "only this head, ours" in page
    assert "does not hold" not in page


def answered(engine, analysis_id: str, result: AnalysisResult) -> None:
    """Writes what an analysis found, as a worker would."""
    part = {"sequences": 7, "population": 7, "composition": []}
    part |= {
        name: [one.model_dump(mode="json") for one in getattr(result, name)]
        for name in ("cells", "recovery")
    }
    with session_scope(engine) as session:
        analyses.add_part(session, analysis_id, 0, part)
        row = analyses.locked(session, analysis_id)
        row.state, row.done, row.total = "finished", 1, 1


def test_everything_is_made_at_once_but_what_needs_many_seeds(client):
    made = client.post(f"{PAPER}/make")

    assert made.status_code == 202
    launched = {one["figure"]: one["launched"] for one in made.json()}
    assert launched["fig-3a"] == 1
    assert launched["fig-3b"] == 0, "its run is that of Fig. 3a"
    once = {run.config_hash for id in launched for run in BY_ID[id].runs}
    assert sum(launched.values()) == len(once) + len(BY_ID["fig-7"].grafted)
    assert not any(BY_ID[id].is_large for id in launched)
    again = client.post("/paper/make", follow_redirects=False)
    assert (again.status_code, again.headers["location"]) == (303, "/paper")
    assert "Make all" not in client.get("/paper").text


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


def test_grafted_runs_are_launched_with_their_donors_and_wait_for_them(client, engine, outbox):
    planned = client.post(f"{PAPER}/fig-7/make?dry_run=true").json()
    assert (planned["launched"], planned["estimate"]["new_runs"]) == (6, 6)
    assert planned["estimate"]["sequences"] == 3 * 1_000_000 + 3 * 800_000

    made = client.post(f"{PAPER}/fig-7/make").json()
    assert (made["launched"], made["reused"]) == (6, 0)
    found = client.get(f"{PAPER}/fig-7").json()
    assert (found["state"], found["runs"], found["going"]) == ("training", 6, 6)
    members = {one["name"]: one["run_id"] for one in found["members"]}
    donor, grafted = members["Unclamped, seed 6"], members["Layer 1 of seed 6"]
    program = client.get(f"/api/v1/runs/{grafted}/config").json()["program"]
    assert program[0]["checkpoint"] == f"{donor}@1000000"
    assert client.post(f"{PAPER}/fig-7/make").json()["launched"] == 0

    assert client.post(f"/api/v1/runs/{donor}/cancel").status_code == 202
    sweep(engine, outbox)
    again = client.post(f"{PAPER}/fig-7/make?dry_run=true").json()
    assert (again["launched"], again["reused"]) == (2, 4), "the donor, and what takes from it"
    assert "the donor" not in client.get("/paper").text


def test_heads_of_several_seeds_are_joined(client, engine, outbox):
    planned = client.post(f"{PAPER}/fig-18/make?dry_run=true").json()
    assert (planned["launched"], planned["analyses"]) == (45, 5)
    client.post(f"{PAPER}/fig-18/make")
    found = client.get(f"{PAPER}/fig-18").json()
    assert {claim["holds"] for claim in found["claims"]} == {None}
    asked = found["analyses"][:2]
    for one in asked:
        answered(engine, one["analysis_id"], every_head())

    found = client.get(f"{PAPER}/fig-18").json()

    first = found["tables"][0]
    assert first["rows"][0][1].startswith("0.959 (95 %:")
    assert first["rows"][0][2].startswith("0.956 (95 %:"), "of the paper, over all seeds"
    assert first["rows"][2][1] == "too few heads yet", "none has learned alone"
    assert [claim["holds"] for claim in found["claims"]] == [True, True, None]
    drawn = client.get(f"{PAPER}/fig-18/figure?columns=3").json()
    names = [trace["name"] for trace in drawn["data"] if trace["showlegend"]]
    assert names[:2] == ["seed 5", "seed 6"]
    assert sum(name.endswith("paper, Omniglot") for name in names) == 5
    assert len(drawn["data"]) == 2 * 2 + 3 * 5


def test_axes_are_named_before_there_is_anything_of_ours(client):
    for figure in FIGURES:
        for one in figure.analyses if not figure.more_lines else ():
            layout = client.get(f"{PAPER}/{figure.id}/figure?part=analysis").json()["layout"]
            for axis in ("xaxis", "yaxis"):
                named = layout[axis].get("title", {}).get("text")
                assert bool(named) or not layout[axis]["visible"], (figure.id, one.preset)
    assert "None" not in str(client.get(f"{PAPER}/fig-18").json()["claims"][0]["figures"])
