"""Analyses: launched by the API, done by real processes, equal to the science called directly."""

import json
import os
import signal
import subprocess
import threading
import time
from dataclasses import replace

import httpx
import numpy as np
import pytest
import torch
from safetensors.numpy import load

from app.config import Settings
from app.db import analyses, runs, workers
from app.db.engine import session_scope
from app.db.models import Checkpoint
from app.main import create_app
from app.schemas.analyses.cell import ablated
from app.schemas.analyses.presets import PRESETS
from app.schemas.clamps.kinds import Ablate, InductionPattern, Preserve
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig
from app.services.analyses import attempts
from app.services.analyses.attempts import KEPT
from app.services.runs.creation import create_run
from app.services.runs.lifecycle import request_cancel
from app.services.runs.outbox import transaction
from app.services.runs.reaper import sweep
from tests.integration.support.recorded import state
from tests.integration.support.wait import until
from tests.integration.support.web_server import serving
from tests.integration.support.worker_process import WorkerProcess, tiny
from worker.recording.store import weights_of
from worker.science.analysis.evaluation import Manner, Subject, measured
from worker.science.clamps.program import compile_program
from worker.science.data.datasets import load_dataset
from worker.science.data.exhaustive import sequences_of
from worker.science.data.splits import training_pool
from worker.science.training.loop import cohort_shape
from worker.service.analyses import Analyses

API = "/api/v1/analyses"
MEASURED = ",".join(f"previous_token_strength.L0H{head}" for head in range(3))
CONFIG = tiny(model={"layers": 2, "heads": 3, "width": 24, "mlp_ratio": 1.0}, task={"classes": 10})


@pytest.fixture(autouse=True)
def _empty() -> None:
    """Not between the tests of this file: they share a trained run."""


@pytest.fixture(scope="module")
def api(session_settings):
    with (
        serving(create_app(session_settings)) as server,
        httpx.Client(base_url=server.url, timeout=30) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def trained(api, session_settings, session_engine, session_outbox) -> tuple[str, str]:
    """A trained run, with checkpoints at 0, 5,024, 10,016, 15,008 and 16,000 sequences; and an
    analysis that was asked for before it was there, and has waited for it."""
    with transaction(session_engine, session_outbox) as session:
        made = create_run(session, CONFIG).id
    awaited = asked(
        api, made, "perfected", programs="sub_circuits", checkpoints="all", after_training=True
    )
    process = WorkerProcess(session_settings)
    process.start()
    process.until(lambda: api.get(f"{API}/{awaited}").json()["is_terminal"], "awaited analysis")
    process.kill()
    assert state(session_engine, made) == "finished"
    return made, awaited


@pytest.fixture
def run_id(trained) -> str:
    return trained[0]


@pytest.fixture
def worker(settings, engine, outbox, monkeypatch) -> Analyses:
    """A worker's way to do an analysis, without Celery around it."""
    for name in ("database_url", "redis_url", "data_dir", "store_url"):
        monkeypatch.setenv(f"OPTOSCOPE_{name}".upper(), str(getattr(settings, name)))
    monkeypatch.setenv("OPTOSCOPE_COMPILE", "false")
    return Analyses(settings, engine, outbox, "worker1@here", lambda: False)


def asked(api: httpx.Client, run_id: str, kind: str, **settings: object) -> str:
    answer = api.post(API, json={"kind": kind, "run": run_id, **settings})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def result(api: httpx.Client, analysis_id: str) -> dict:
    read = api.get(f"{API}/{analysis_id}").json()
    assert read["state"] == "finished", read
    assert read["done"] == read["total"]
    return api.get(f"{API}/{analysis_id}/result").json()


def directly(api: httpx.Client, run_id: str, place: int, programs: list[tuple]) -> list:
    """The same by the science alone, on the checkpoint as it is served."""
    config = RunConfig.model_validate(api.get(f"/api/v1/runs/{run_id}/config").json())
    content = api.get(f"/api/v1/runs/{run_id}/checkpoints/{place}/file").content
    weights = {name: torch.from_numpy(a) for name, a in weights_of(load(content)).items()}
    dataset, pool = load_dataset(config.task, config.seeds.dataset), training_pool(config)
    shape = cohort_shape(config, dataset)
    flat = shape.flatten(weights)[None]
    subject = Subject.of(shape, flat, dataset, pool, sequences_of(config, pool))
    data = [compile_program(config.model_copy(update={"program": one})) for one in programs]
    found = measured(subject, data, Manner(whole=True))
    return sorted(found, key=lambda one: one.program)


def test_a_real_worker_is_woken_up_and_finds_what_the_science_does(
    api, run_id, session_settings, session_engine
):
    process = WorkerProcess(session_settings)
    process.start()
    analysis_id = asked(api, run_id, "exhaustive", checkpoints=[5024, 16_000])
    process.until(
        lambda: api.get(f"{API}/{analysis_id}").json()["is_terminal"], "end of the analysis"
    )
    process.kill()

    found = result(api, analysis_id)

    assert (found["sequences"], found["population"]) == (10 * 9 * 16 * 2,) * 2
    assert [cell["checkpoint"] for cell in found["cells"]] == [5024, 16_000]
    for cell in found["cells"]:
        [one] = directly(api, run_id, cell["checkpoint"], [()])
        assert cell["loss"] == pytest.approx(float(one.metrics["loss"].value), rel=1e-6)
        assert cell["mistakes"] == one.mistakes
        strength = one.induction_strength.value
        np.testing.assert_allclose(cell["induction_strength"], strength, atol=1e-6)
        assert np.shape(cell["previous_token_attention"]) == (2, 3, 4)
        assert sum(row["sequences"] for row in cell["by_label"]) == found["sequences"]
        assert len(cell["by_class"]) == 10
    table = api.get(f"{API}/{analysis_id}/result.csv").text.splitlines()
    assert table[0].startswith("checkpoint,group,name,head,other,loss,accuracy")
    assert len(table) == 3


def test_a_grid_of_ablations(api, run_id, worker):
    analysis_id = asked(
        api, run_id, "ablation_grid", acts=["none", "remove", "only", "add_back"], sets=[[0, 2]]
    )
    assert worker.attend_one()

    cells = {cell["name"]: cell for cell in result(api, analysis_id)["cells"]}

    assert list(cells)[:4] == ["none", "without L1H0", "without L1H1", "without L1H2"]
    silent = {"without L1H1": (1,), "only L1H1": (0, 2), "without L1H0,2": (0, 2)}
    found = directly(api, run_id, 16_000, [ablated(1, heads) for heads in silent.values()])
    for name, one in zip(silent, found, strict=True):
        assert cells[name]["loss"] == pytest.approx(float(one.metrics["loss"].value), rel=1e-6)
        assert cells[name]["mistakes"] == one.mistakes
    strengths = cells["none"]["induction_strength"][1]
    first = cells["the first 1"]["head"]
    assert strengths[first] == pytest.approx(max(strengths), abs=0.2)
    [recovery] = result(api, analysis_id)["recovery"]
    assert recovery["cells"] == ["only L1H0", "only L1H1", "only L1H2"]
    assert [recovery["share"][n][n] for n in range(3)] == [0, 0, 0]


def test_wiring_has_every_pair_of_heads_and_compositions(api, run_id, worker):
    analysis_id = asked(api, run_id, "wiring")
    assert worker.attend_one()

    found = result(api, analysis_id)

    assert len(found["cells"]) == 3 + 4 * 9
    [composition] = found["composition"]
    assert np.shape(composition["keys"]) == (3, 3)
    assert 0 < np.min(composition["values"]) < np.max(composition["values"]) < 1


def test_programs_of_ones_own_stand_beside_the_runs_and_compare_mistakes(api, run_id, worker):
    own = {
        "match": [{"kind": "set_pattern", "site": "L1H0.pattern[query]", "target": "induction"}],
        "half": [{"kind": "scale", "site": "L1H1.z", "by": 0.5}],
    }
    analysis_id = asked(api, run_id, "perfected", programs=own, checkpoints={"evenly": 3})
    assert worker.attend_one()

    found = result(api, analysis_id)

    assert [cell["checkpoint"] for cell in found["cells"]] == [0, 0, 10_016, 10_016, 16_000, 16_000]
    assert [one["checkpoint"] for one in found["recovery"]] == [0, 10_016, 16_000]


def test_what_was_asked_before_the_training_is_answered_after_it(api, trained):
    run_id, awaited = trained

    found = result(api, awaited)

    assert [cell["checkpoint"] for cell in found["cells"][::3]] == [0, 5024, 10_016, 15_008, 16_000]
    last = {cell["group"]: cell for cell in found["cells"][-3:]}
    assert list(last) == ["none", "look_back", "match"]
    page = api.get(f"/api/v1/runs/{run_id}/measurements", params={"series": MEASURED}).json()
    strengths = [page["series"][f"previous_token_strength.L0H{head}"][-1] for head in range(3)]
    assert last["look_back"]["name"] == (
        f"previous token perfect at L0H{np.argmax(strengths)} (2, 3qkv, 4, 5)"
    ), "the head that looks back most, by the last measurement"
    match = InductionPattern(site=Site.parse("L1.pattern[query]"))
    [one] = directly(api, run_id, 16_000, [(match,)])
    assert last["match"]["loss"] == pytest.approx(float(one.metrics["loss"].value), rel=1e-6)
    again = api.post(
        API,
        json={"kind": "perfected", "run": run_id, "programs": "sub_circuits", "checkpoints": "all"},
    )
    assert again.json()["id"] == awaited, "a later question that is equal has its answer"


@pytest.mark.parametrize(
    ("named", "programs"),
    [
        (
            "perfect_match",
            ["", "L1H1,2.v L1H0", "L1H0,2.v L1H1", "L1H0,1.v L1H2"],
        ),
        ("ways_to_output", ["", "L0H0,1,2.v L1.pattern L1.v", "L1H0,1,2.v"]),
    ],
)
def test_named_sets_are_the_programs_that_they_say(api, run_id, worker, named, programs):
    analysis_id = asked(api, run_id, "perfected", programs=named)
    assert worker.attend_one()

    cells = result(api, analysis_id)["cells"]

    found = directly(api, run_id, 16_000, [written(one, named) for one in programs])
    assert len(cells) == len(found)
    for cell, one in zip(cells, found, strict=True):
        assert cell["loss"] == pytest.approx(float(one.metrics["loss"].value), rel=1e-6)
        assert cell["mistakes"] == one.mistakes


def test_heads_that_look_back_and_all_others_are_removed(api, run_id, worker):
    analysis_id = asked(api, run_id, "perfected", programs="previous_token_sets")
    assert worker.attend_one()

    cells = result(api, analysis_id)["cells"]

    ways = ["patterns", "values"]
    assert [cell["group"] for cell in cells] == [
        f"{group}_{way}" for group in ("looking_back", "others") for way in ways
    ]
    names = [cell["name"].removeprefix("without L0H").split(", ")[0] for cell in cells[::2]]
    heads = sorted(int(head) for name in names for head in name.split(","))
    assert heads == [0, 1, 2], "each head is of one of the two sets"


def test_heads_are_added_back_without_the_strongest_too(api, run_id, worker):
    analysis_id = asked(api, run_id, "ablation_grid", acts=["add_back", "add_back_rest"])
    assert worker.attend_one()

    cells = result(api, analysis_id)["cells"]

    strongest, second = cells[0]["head"], cells[1]["head"]
    rest = [cell for cell in cells if cell["group"] == "add_back_rest"]
    assert [cell["head"] for cell in rest] == [second, ({0, 1, 2} - {strongest, second}).pop()]
    [one] = directly(api, run_id, 16_000, [ablated(1, [strongest])])
    assert rest[-1]["loss"] == pytest.approx(float(one.metrics["loss"].value), rel=1e-6)


def test_one_whose_run_was_not_trained_to_its_end_fails_with_a_sentence(
    api, engine, outbox, worker
):
    with transaction(engine, outbox) as session:
        other = create_run(session, CONFIG).id
    request = {"kind": "exhaustive", "run": other, "after_training": True}
    analysis_id, again = (api.post(API, json=request).json()["id"] for _ in range(2))
    assert again == analysis_id
    assert not worker.attend_one(), "it waits for the run, not for a worker"
    assert "waits until its run is trained" in api.get(f"/analyses/{analysis_id}").text
    refused = api.post(API, json={**request, "kind": "wiring", "later": 4})
    assert refused.status_code == 422, "what no training can answer is not awaited"

    with transaction(engine, outbox) as session:
        request_cancel(session, runs.run_by_id(session, other))
    assert not worker.attend_one()

    read = api.get(f"{API}/{analysis_id}").json()
    assert (read["state"], read["done"], read["total"]) == ("failed", 0, 0)
    assert read["error_message"] == (
        f"Its run was awaited, and cannot answer: run {other} is cancelled. Ask again for what it "
        "has."
    )
    assert api.delete(f"/api/v1/runs/{other}").status_code == 204


def test_a_question_that_was_asked_before_has_its_answer(api, run_id, worker):
    request = {"kind": "exhaustive", "run": run_id, "checkpoints": [0]}
    first = api.post(API, json=request)
    again = api.post(API, json=request)
    dry = api.post(API, json=request, params={"dry_run": True}).json()

    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["id"] == first.json()["id"] == dry["existing"]
    assert (dry["parts"], dry["cells"]) == (1, ["none"])
    asked(api, run_id, "exhaustive", checkpoints=[0, 5024])
    listed = api.get(API, params={"run": run_id, "limit": 1}).json()
    older = api.get(API, params={"run": run_id, "limit": 1, "cursor": listed["next_cursor"]}).json()
    assert older["analyses"][0]["id"] == first.json()["id"]
    assert [worker.attend_one() for _ in range(3)] == [True, True, False], "nothing waits any more"


def test_killed_in_the_middle_it_goes_on_with_the_next_part(
    api, run_id, settings, engine, outbox, worker
):
    analysis_id = asked(api, run_id, "wiring", checkpoints="all")
    turn = threading.Thread(target=worker.attend_one)
    turn.start()
    until(lambda: done(engine, analysis_id) >= 2, seconds=60)
    os.kill(analyst(analysis_id), signal.SIGKILL)
    turn.join()
    before = done(engine, analysis_id)

    assert api.get(f"{API}/{analysis_id}").json()["state"] == "lost"
    assert worker.attend_one()

    found = result(api, analysis_id)
    assert api.get(f"{API}/{analysis_id}").json()["attempt"] == 2
    assert 2 <= before < api.get(f"{API}/{analysis_id}").json()["total"]
    names = [(cell["checkpoint"], cell["name"]) for cell in found["cells"]]
    assert len(names) == len(set(names)) == 5 * (3 + 4 * 9)


def test_one_that_hangs_is_ended_and_waits_to_be_done_again(
    api, run_id, settings, engine, outbox, worker, monkeypatch
):
    analysis_id = asked(api, run_id, "wiring", checkpoints=[0, 5024, 15_008])
    impatient = settings.model_copy(update={"stall_seconds": 0.3})

    def begins_and_hangs(_: Settings, turn: attempts.Turn) -> subprocess.Popen[bytes]:
        with transaction(engine, outbox) as session:
            assert attempts.begin(session, turn)
        return subprocess.Popen(["sleep", "60"], start_new_session=True)

    begun = time.monotonic()
    with monkeypatch.context() as hanging:
        hanging.setattr("worker.service.analyses._start", begins_and_hangs)
        assert replace(worker, settings=impatient).attend_one()
    assert time.monotonic() - begun < 30, "it was awaited"
    assert api.get(f"{API}/{analysis_id}").json()["state"] == "lost"
    assert api.post(f"{API}/{analysis_id}/cancel").status_code == 202  # or it waits for others here


def test_a_cancel_is_heard_within_two_seconds(api, run_id, engine, worker):
    analysis_id = asked(api, run_id, "wiring", checkpoints=[0, 5024, 10_016])
    turn = threading.Thread(target=worker.attend_one)
    turn.start()
    until(lambda: done(engine, analysis_id) >= 1, seconds=60)

    assert api.post(f"{API}/{analysis_id}/cancel").status_code == 202
    until(lambda: api.get(f"{API}/{analysis_id}").json()["state"] == "cancelled", seconds=2)
    turn.join()

    assert api.post(f"{API}/{analysis_id}/cancel").status_code == 202
    assert api.delete(f"{API}/{analysis_id}").status_code == 204
    assert api.get(f"{API}/{analysis_id}").status_code == 404


def test_a_checkpoint_that_went_is_one_sentence(api, run_id, engine, worker):
    analysis_id = asked(api, run_id, "ablation_grid", checkpoints=[15_008])
    with session_scope(engine) as session:
        session.delete(session.get(Checkpoint, (run_id, 15_008)))
    assert worker.attend_one()

    read = api.get(f"{API}/{analysis_id}").json()
    assert (read["state"], read["error_kind"]) == ("failed", "checkpoint")
    assert read["error_message"] == (
        f"The checkpoint of run {run_id} at 15,008 sequences was deleted since the analysis was "
        "launched; launch it again."
    )


def test_a_worker_that_went_silent_loses_it(api, run_id, engine, outbox, worker):
    analysis_id = asked(api, run_id, "exhaustive", checkpoints=[10_016])
    with transaction(engine, outbox) as session:
        taken = attempts.claim(session, worker="gone@there", lease_seconds=0)
    assert taken is not None

    sweep(engine, outbox, also=[KEPT])

    assert api.get(f"{API}/{analysis_id}").json()["state"] == "lost"
    assert worker.attend_one()
    assert result(api, analysis_id)["cells"]
    with transaction(engine, outbox) as session:
        assert not attempts.keep(session, taken, 0, {}), "an older attempt writes nothing"


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"checkpoints": [17]}, "There is no checkpoint at 17 sequences; the nearest is at 0."),
        ({"kind": "ablation_grid", "layer": 5}, "layer 5: the model has layers 0 to 1"),
        ({"kind": "ablation_grid", "preserve": "values"}, "there is nothing to preserve"),
        ({"kind": "ablation_grid", "sets": [[7]]}, "head 7: the model has heads 0 to 2"),
        ({"kind": "wiring", "later": 4}, "layer 4"),
        ({"kind": "perfected", "programs": {}}, "at least 1 item"),
        (
            {"kind": "perfected", "programs": {"a": [{"kind": "ablate", "site": "L7.v"}]}},
            "the model has layers 0 to 1",
        ),
        ({"kind": "guess"}, "kind must be one of exhaustive"),
        ({"run": "0000000000"}, "There is no run"),
    ],
    ids=str,
)
def test_what_cannot_be_asked_is_one_sentence(api, run_id, request_, said):
    answer = api.post(API, json={"kind": "exhaustive", "run": run_id, **request_})

    assert answer.status_code in (404, 422)
    assert said in answer.json()["detail"]


def test_analyses_go_with_their_run(api, run_id, engine, session_settings, session_outbox, worker):
    with transaction(engine, session_outbox) as session:
        other = create_run(session, CONFIG).id
        session.add(
            Checkpoint(run_id=other, sequences=0, attempt=1, url="file:///no", size=1, sha256="00")
        )
    with transaction(engine, session_outbox) as session:
        request_cancel(session, runs.run_by_id(session, other))
    analysis_id = asked(api, other, "exhaustive")

    assert api.delete(f"/api/v1/runs/{other}").status_code == 204
    assert api.get(f"{API}/{analysis_id}").status_code == 404
    assert not worker.attend_one()


def written(program: str, named: str) -> tuple:
    """A program of a set as it is written above: what is silent, then what is kept or matched."""
    silent, *others = program.split() or [""]
    clamps = [Ablate(site=Site.parse(silent))] if silent else []
    if named == "perfect_match" and others:
        clamps += [InductionPattern(site=Site.parse(f"{others[0]}.pattern[query]"))]
    else:
        clamps += [Preserve(site=Site.parse(one)) for one in others]
    return tuple(clamps)


def done(engine, analysis_id: str) -> int:
    with session_scope(engine) as session:
        return len(analyses.places_done(session, analysis_id))


def analyst(analysis_id: str) -> int:
    """The process that does it."""
    found = subprocess.run(
        ["pgrep", "-f", f"worker.analyst.*{analysis_id}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(found.stdout.split()[0])


@pytest.mark.parametrize(
    "settings",
    [
        {"under_clamps": 0},
        {"checkpoints": [True]},
        {"kind": "ablation_grid", "layer": False},
        {"kind": "perfected", "programs": {"\ud800": []}},
        {"kind": "perfected", "programs": {"a\0": []}},
    ],
    ids=ascii,
)
def test_what_json_does_not_mean_is_refused(api, run_id, settings):
    body = json.dumps({"kind": "exhaustive", "run": run_id, **settings})
    sent = {"Content-Type": "application/json"}

    assert api.post(API, content=body, headers=sent, params={"dry_run": True}).status_code == 422


def test_cores_are_shared_with_workers_of_the_machine_that_are_busy(api, engine, outbox):
    def count() -> int:
        with session_scope(engine) as session:
            return workers.busy_beside(session, "one@here")

    for name, host in (("one@here", "here"), ("two@here", "here"), ("three@there", "there")):
        described = workers.Description(name, host, 1, "cpu", 2, 10**9, 10**9, "2.13")
        with session_scope(engine) as session:
            workers.report(session, described)
    assert count() == 0, "nobody does anything"
    with transaction(engine, outbox) as session:
        made = create_run(session, CONFIG)
        made.worker, made.state = "three@there", "running"
        own = create_run(session, CONFIG)
        own.worker, own.state = "one@here", "running"
    assert count() == 0, "another machine, and itself"

    with transaction(engine, outbox) as session:
        runs.run_by_id(session, made.id).worker = "two@here"
    assert count() == 1

    with transaction(engine, outbox) as session:
        for run in (made, own):
            session.delete(runs.run_by_id(session, run.id))
    assert count() == 0


def test_a_deeper_model_with_more_heads_has_the_same_pages(
    api, session_settings, session_engine, session_outbox
):
    """4 layers of 16 heads with an MLP: all that a run's page offers can be asked, and two of it
    are answered."""
    config = tiny(
        model={"layers": 4, "heads": 16, "width": 32, "mlp_ratio": 1.0},
        task={"classes": 4, "new_classes": 4},
        training={"sequences": 320},
        recording={"evaluate_every": 160, "frame_every": 160, "checkpoint_every": 160},
    )
    with transaction(session_engine, session_outbox) as session:
        made = create_run(session, config).id
    grid = asked(api, made, "ablation_grid", after_training=True)
    sets = asked(api, made, "perfected", programs="perfect_match", after_training=True)
    process = WorkerProcess(session_settings)
    process.start()
    for one in (grid, sets):
        process.until(lambda one=one: api.get(f"{API}/{one}").json()["is_terminal"], "analysis")
    process.kill()

    assert len(result(api, grid)["cells"]) == 1 + 2 * 16
    assert np.shape(result(api, sets)["cells"][-1]["induction_strength"]) == (4, 16)
    for one in (grid, sets):
        assert api.get(f"/analyses/{one}").status_code == 200
        drawn = api.get(f"{API}/{one}/figure").json()["data"]
        assert len(drawn[0]["x"]) == 16
    assert np.shape(drawn[1]["z"]) == (16, 5)
    cells = {"added-back": 31, "wiring": 16 + 4 * 16 * 16, "ways-to-output": 5}
    for name, count in cells.items():
        [preset] = [one for one in PRESETS if one.id == name]
        request = preset.request(made).model_dump(mode="json")
        planned = api.post(API, json=request, params={"dry_run": True}).json()
        assert len(planned["cells"]) == count
    assert "Each head of the last layer removed" in api.get(f"/runs/{made}").text
