"""Looking at trained models: the published code's numbers over all sequences, and their parts."""

import json

import numpy as np
import pytest
import torch
from torch._dynamo.utils import counters

from app.schemas.clamps.kinds import MeanAblate, Program
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig, TaskConfig
from app.schemas.published.options import PublishedOptions, exact_program
from tests.unit.science.support import golden
from worker.science.analysis.evaluation import Looks, Manner, Subject, measured
from worker.science.analysis.results import Groups
from worker.science.clamps.passes import Passes
from worker.science.clamps.program import compile_program, with_full_parts
from worker.science.data.datasets import Dataset
from worker.science.data.exhaustive import sequences_of
from worker.science.data.splits import training_pool
from worker.science.model import pattern_keys
from worker.science.parameters import Shape, initial_parameters

OF_GOLDEN = RunConfig(model=golden.MODEL, task=TaskConfig(held_out_pairs=((2, 3), (3, 4))))
LITTLE = RunConfig(
    model=golden.MODEL.model_copy(update={"width": 16, "heads": 2}),
    task=TaskConfig(classes=5, new_classes=2),
)
ABLATED = {
    **{f"remove_1_{head}": {"ablate_heads": [f"1:{head}"]} for head in range(8)},
    **{
        f"only_1_{head}": {"ablate_heads": [f"1:{o}" for o in range(8) if o != head]}
        for head in range(8)
    },
    "ablate_layer0_preserve_pv": {
        "ablate_heads": [f"0:{head}" for head in range(8)],
        "preserve_patterns": True,
        "preserve_values": True,
    },
}


def subject(config: RunConfig, features: torch.Tensor, *weights: dict) -> Subject:
    task, pool = config.task, training_pool(config)
    shape = Shape(config.model, features.shape[-1], task.labels, task.context_pairs)
    models = torch.stack([shape.flatten(one) for one in weights])
    dataset = Dataset(features, ())
    return Subject.of(shape, models, dataset, pool, sequences_of(config, pool))


def little(models: int = 1) -> Subject:
    features = torch.randn(7, 2, 12, generator=torch.Generator().manual_seed(1))
    shape = Shape(LITTLE.model, 12, 5, 2)
    return subject(LITTLE, features, *(initial_parameters(shape, seed) for seed in range(models)))


def programs(config: RunConfig, named: dict[str, dict]) -> list:
    return [
        compile_program(config.model_copy(update={"program": program_of(options)}))
        for options in named.values()
    ]


def program_of(options: dict) -> Program:
    return exact_program(PublishedOptions(**options), layers=2)


@pytest.fixture(scope="module")
def omniglot() -> Subject:
    stored = golden.arrays("omniglot")
    return subject(
        OF_GOLDEN, torch.from_numpy(stored["features"]), golden.weights(stored, "trained")
    )


def test_the_published_codes_analysis_of_a_trained_model(omniglot):
    expected = json.loads((golden.FOLDER / "omniglot_analysis.json").read_text())

    [one] = measured(omniglot, programs(OF_GOLDEN, {"none": {}}))

    assert len(one.sequences) == expected["n"]
    assert one.metrics["accuracy"].value == pytest.approx(expected["acc"], abs=1e-12)
    assert one.metrics["loss"].value == pytest.approx(expected["loss"], rel=1e-6)
    for ours, theirs in (
        (one.induction_strength, expected["induction_strength"]),
        (one.previous_token_attention, expected["previous_token_attention"]),
    ):
        np.testing.assert_allclose(ours.value, theirs, atol=1e-6, rtol=0)
        assert not ours.error.any(), "of all sequences, not of a sample"


def test_the_published_codes_ablations_and_recovered_mistakes(omniglot):
    expected = json.loads((golden.FOLDER / "omniglot_analysis.json").read_text())
    manner = Manner(whole=False, threads=2)

    found = {
        list(ABLATED)[one.program]: one
        for one in measured(omniglot, programs(OF_GOLDEN, ABLATED), manner)
    }

    for name, one in found.items():
        assert one.metrics["loss"].value == pytest.approx(expected[name]["loss"], rel=1e-6), name
        assert one.metrics["accuracy"].value == pytest.approx(expected[name]["acc"], abs=1e-12)
        if "mistakes" in expected[name]:
            assert one.mistakes == expected[name]["mistakes"], name
    best = found[f"only_1_{expected['reference_head']}"]
    shares = [best.recovered(found[f"only_1_{head}"]) for head in range(8)]
    assert shares == pytest.approx(expected["recovered"], abs=1e-12)


def plain(subject: Subject, config: RunConfig, options: dict, model: int = 0) -> dict:
    """The same by one pass over all sequences, as training computes it."""
    one = compile_program(config.model_copy(update={"program": program_of(options)}))
    shape, count = subject.shape, len(subject.sequences)
    batch, _ = subject.batch(slice(0, count), count)
    weights, clock = shape.unflatten(subject.models[model]), torch.tensor([0])
    passes = Passes(shape, one.layout)
    with torch.no_grad():
        seen = passes(weights, one.tensors, batch, clock, pattern_keys(shape.model), whole=True)
    loss = torch.nn.functional.cross_entropy(seen.logits.T, batch.target, reduction="none")
    last = seen.kept["L1.pattern"][:, -1]
    right = batch.labels == batch.target
    signed = (last[:, 1::2] * right).sum(1) - (last[:, 1::2] * ~right).sum(1)
    return {
        "loss": loss.numpy(),
        "right": (seen.logits.argmax(0) == batch.target).numpy(),
        "induction": signed.mean(-1).numpy(),
    }


LITTLE_OPTIONS = {
    "none": {},
    "only one": {"ablate_heads": ["1:0"]},
    "another": {"ablate_heads": ["1:1"]},
    "patterns": {"ablate_heads": ["0:1"], "preserve_patterns": True},
    "values": {"ablate_heads": ["0:0", "0:1"], "preserve_values": True},
    "perfect": {"specific_fn": "perfect_prev_token_input"},
    "copy": {"perfect_copy_from_head_pattern": "1:1"},
    "induction": {"induction_heads": ["1:0"], "induction_head_strength": 0.7},
}


@pytest.mark.parametrize("manner", [Manner(), Manner(threads=3)], ids=["alone", "by threads"])
def test_many_models_under_many_programs_are_each_as_if_alone(manner):
    several = little(models=3)
    data = programs(LITTLE, LITTLE_OPTIONS)

    found = {(one.model, one.program): one for one in measured(several, data, manner)}

    assert len(found) == 3 * len(data)
    for (model, program), one in found.items():
        expected = plain(several, LITTLE, list(LITTLE_OPTIONS.values())[program], model)
        np.testing.assert_allclose(one.loss, expected["loss"], rtol=2e-5, atol=2e-6)
        assert (one.right == expected["right"]).all()
        assert one.metrics["loss"].value == pytest.approx(expected["loss"].mean(), rel=1e-5)
        np.testing.assert_allclose(
            one.induction_strength.value[1], expected["induction"], atol=1e-6
        )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while it traces
def test_compiled_they_are_the_same():
    several, data = little(models=2), programs(LITTLE, {"a": {}, "b": {"ablate_heads": ["1:0"]}})
    looks = Looks(several.shape)

    eager, compiled = (
        list(measured(several, data, Manner(compile=compile, whole=False, threads=2), looks=looks))
        for compile in (False, True)
    )

    graphs = counters["stats"]["unique_graphs"]
    again = list(measured(several, data, Manner(compile=True, whole=False), looks=looks))
    assert counters["stats"]["unique_graphs"] == graphs > 0, "what was compiled once is not again"
    assert [one.mistakes for one in again] == [one.mistakes for one in compiled]
    for one, other in zip(eager, compiled, strict=True):
        assert (one.model, one.program) == (other.model, other.program)
        np.testing.assert_allclose(one.loss, other.loss, rtol=1e-5, atol=1e-6)
        assert (one.right == other.right).all()


def test_groups_share_out_all_sequences():
    one = next(measured(little(), programs(LITTLE, {"none": {}})))
    groups = Groups.of(one.sequences)

    for which in (groups.query_class, groups.label, groups.position):
        table = one.by(which)
        assert sum(row["sequences"] for row in table.values()) == len(one.sequences)
        mean = sum(row["sequences"] * row["loss"] for row in table.values()) / len(one.sequences)
        assert mean == pytest.approx(float(one.metrics["loss"].value), rel=1e-6)
    assert set(one.by(groups.position)) == {0, 1}
    first = one.by(groups.label)[0]
    assert first["accuracy"] == pytest.approx(one.right[groups.label == 0].mean())


def test_a_sample_has_standard_errors():
    config = LITTLE.model_copy(update={"task": TaskConfig(classes=5, new_classes=2)})
    pool = training_pool(config)
    whole = little()
    sample = Subject.of(
        whole.shape,
        whole.models,
        Dataset(whole.features[:, None].expand(-1, 2, -1), ()),
        pool,
        sequences_of(config, pool, most=400),
    )

    [one] = measured(sample, programs(config, {"none": {}}))

    expected = one.loss.std() / np.sqrt(400)
    assert one.metrics["loss"].error == pytest.approx(expected, rel=1e-3)
    assert one.induction_strength.error.shape == (2, 2)
    assert (one.induction_strength.error > 0).all()


def test_a_mask_that_covers_all_is_structure_and_one_that_does_not_is_none():
    def full(options: dict) -> list[bool]:
        [one] = programs(LITTLE, {"it": options})
        return [part.is_full for part in with_full_parts(one).layout]

    assert full({"ablate_heads": ["0:0", "0:1"]}) == [True]
    assert full({"ablate_heads": ["0:0"]}) == [False]
    assert any(full({"ablate_heads": ["0:0"], "preserve_patterns": True}))


def test_what_looks_at_all_sequences_at_once_is_refused_where_they_are_too_many(monkeypatch):
    monkeypatch.setattr("worker.science.analysis.evaluation.MOST_TOGETHER", 100)
    clamp = MeanAblate(site=Site.parse("L1H0.z"))
    data = [compile_program(LITTLE.model_copy(update={"program": (clamp,)}))]

    with pytest.raises(ValueError, match="averages or resamples looks at all sequences at once"):
        list(measured(little(), data))
