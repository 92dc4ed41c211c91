"""Analyses, equal to the science called directly."""

import httpx
import numpy as np
import pytest
import torch
from safetensors.numpy import load

from app.schemas.analyses.cell import ablated
from app.schemas.analyses.presets import PRESETS
from app.schemas.clamps.kinds import Ablate, InductionPattern, Preserve
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig
from app.services.runs.creation import create_run
from app.services.runs.outbox import transaction
from tests.integration.analyses.asking import API, asked, result
from tests.integration.support.worker_process import WorkerProcess, tiny
from worker.recording.store import weights_of
from worker.science.analysis.evaluation import Manner, Subject, measured
from worker.science.clamps.program import compile_program
from worker.science.data.datasets import load_dataset
from worker.science.data.exhaustive import sequences_of
from worker.science.data.splits import training_pool
from worker.science.training.loop import cohort_shape

MEASURED = ",".join(f"previous_token_strength.L0H{head}" for head in range(3))


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


def test_a_grid_of_ablations_and_of_heads_added_back_without_the_strongest(api, run_id, worker):
    acts = ["none", "remove", "only", "add_back", "add_back_rest"]
    analysis_id = asked(api, run_id, "ablation_grid", acts=acts, sets=[[0, 2]])
    assert worker.attend_one()

    found_cells = result(api, analysis_id)["cells"]
    cells = {cell["name"]: cell for cell in found_cells}

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

    added, rest = (
        [cell for cell in found_cells if cell["group"] == act]
        for act in ("add_back", "add_back_rest")
    )
    strongest, second = added[0]["head"], added[1]["head"]
    assert [cell["head"] for cell in rest] == [second, ({0, 1, 2} - {strongest, second}).pop()]
    [one] = directly(api, run_id, 16_000, [ablated(1, [strongest])])
    assert rest[-1]["loss"] == pytest.approx(float(one.metrics["loss"].value), rel=1e-6)


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


def written(program: str, named: str) -> tuple:
    """A program of a set as it is written above: what is silent, then what is kept or matched."""
    silent, *others = program.split() or [""]
    clamps = [Ablate(site=Site.parse(silent))] if silent else []
    if named == "perfect_match" and others:
        clamps += [InductionPattern(site=Site.parse(f"{others[0]}.pattern[query]"))]
    else:
        clamps += [Preserve(site=Site.parse(one)) for one in others]
    return tuple(clamps)


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
