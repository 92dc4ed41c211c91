"""Composition scores against their definition, W by W matrices and all, in numpy."""

import numpy as np
import pytest
import torch

from app.schemas.config import ModelConfig
from app.schemas.measure import COMPOSITION_KINDS, chance_of_composition
from tests.unit.science.support.small import config, train
from worker.science.composition import composition_scores, compositions
from worker.science.parameters import Parameters, Shape, initial_parameters

MODEL = ModelConfig(layers=3, heads=4, width=24)
SHAPE = Shape(MODEL, features=6, labels=3, context_pairs=2)


def weights(shape: Shape = SHAPE, seed: int = 1) -> dict[str, torch.Tensor]:
    """Initial weights with gains that are not all alike."""
    values = initial_parameters(shape, seed)
    numbers = torch.Generator().manual_seed(seed)
    for name in values:
        if name.endswith("norm.weight"):
            values[name] = 1 + 0.5 * torch.randn(values[name].shape, generator=numbers)
    return values


def by_definition(model: ModelConfig, parameters: Parameters) -> list[float]:
    """Elhage et al.'s formulas, with the linear part of the norm folded in."""
    maps = [circuits(model, parameters, layer) for layer in range(model.layers)]
    return [
        share(product(later[b], earlier[a]), later[b][reading == "v"], earlier[a][1])
        for reading, product in {
            "q": lambda b, a: b[0].T @ a[1],
            "k": lambda b, a: b[0] @ a[1],
            "v": lambda b, a: b[1] @ a[1],
        }.items()
        for above, later in enumerate(maps)
        for b in range(model.heads)
        for earlier in maps[:above]
        for a in range(model.heads)
    ]


def circuits(
    model: ModelConfig, parameters: Parameters, layer: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """W_QK and W_OV of every head."""
    width, size, block = model.width, model.head_dim, f"blocks.{layer}"
    centring = np.eye(width) - 1 / width
    norm = np.diag(parameters[f"{block}.norm.weight"].double().numpy()) @ centring
    q, k, v = np.split(parameters[f"{block}.attn.qkv.weight"].double().numpy(), 3)
    out = parameters[f"{block}.attn.out.weight"].double().numpy()
    found = []
    for head in range(model.heads):
        own = slice(head * size, (head + 1) * size)
        found.append(((q[own] @ norm).T @ (k[own] @ norm), out[:, own] @ v[own] @ norm))
    return found


def share(product: np.ndarray, first: np.ndarray, second: np.ndarray) -> float:
    sizes = np.linalg.norm(first) * np.linalg.norm(second)
    return float(np.linalg.norm(product) / sizes)


def test_scores_are_those_of_the_definition_for_every_pair_of_heads() -> None:
    scores = composition_scores(MODEL, weights())

    assert tuple(COMPOSITION_KINDS) == ("q", "k", "v")
    assert scores.shape == (3 * 3 * 4 * 4,)  # readings, pairs of layers, heads of both
    np.testing.assert_allclose(scores.numpy(), by_definition(MODEL, weights()), rtol=2e-5)


def test_a_head_that_reads_exactly_what_another_writes_scores_1_and_one_that_reads_none_0() -> None:
    parameters = weights(SHAPE)
    reads, writes = parameters["blocks.1.attn.qkv.weight"], parameters["blocks.0.attn.out.weight"]
    direction = torch.zeros(24)
    direction[:2] = torch.tensor([1.0, -1.0])  # of mean 0: centring leaves it
    parameters["blocks.1.norm.weight"][:] = 1
    writes[:, :6] = direction[:, None]
    reads[24:30], reads[30:36] = direction, torch.eye(24)[5]  # the keys of heads 0 and 1

    k = composition_scores(MODEL, parameters).view(3, -1)[1]

    first = k[: 4 * 4].view(4, 4)  # layer 2 on layer 1
    assert first[0, 0] == pytest.approx(1, abs=1e-5)
    assert first[1, 0] == pytest.approx(0, abs=1e-5)


def test_unrelated_heads_score_what_is_said_to_be_chance() -> None:
    shape = Shape(ModelConfig(), features=4, labels=2, context_pairs=1)
    drawn = [composition_scores(shape.model, initial_parameters(shape, n)) for n in range(8)]

    mean_square = torch.stack(drawn).square().mean().sqrt().item()
    assert mean_square == pytest.approx(chance_of_composition(64), rel=0.02)


def test_a_single_layer_has_no_pairs_and_weights_of_0_no_score() -> None:
    shape = Shape(ModelConfig(layers=1, heads=2, width=8), features=4, labels=2, context_pairs=1)
    assert composition_scores(shape.model, weights(shape)).shape == (0,)

    silent = weights()
    silent["blocks.0.attn.out.weight"][:] = 0
    assert composition_scores(MODEL, silent)[0].isnan()


def test_runs_of_a_cohort_are_scored_as_each_alone() -> None:
    named = [weights(seed=seed) for seed in (1, 2)]
    together = compositions(SHAPE)(torch.stack([SHAPE.flatten(one) for one in named]))

    alone = torch.stack([composition_scores(MODEL, one) for one in named])
    torch.testing.assert_close(together, alone)


def test_every_frame_and_nothing_else_brings_the_scores_of_the_weights_it_was_taken_at() -> None:
    reports = [report for (report,) in train(config())]

    assert all((one.patterns is None) == (one.composition is None) for one in reports)
    for one in reports:
        if one.composition is not None and one.weights is not None:
            scores = composition_scores(config().model, one.weights)
            np.testing.assert_allclose(one.composition, scores.numpy(), rtol=1e-5)
    assert sum(one.composition is not None for one in reports) == 3


def test_scores_do_not_depend_on_what_else_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """torch multiplies three factors in another order where there is opt_einsum, as with JAX."""
    assert torch.backends.opt_einsum.is_available()  # comes with the baseline
    flat = torch.stack([SHAPE.flatten(weights(seed=seed)) for seed in range(3)])
    found = []
    for is_used in (True, False):
        monkeypatch.setattr(torch.backends.opt_einsum, "enabled", is_used)
        found.append(compositions(SHAPE)(flat))

    assert torch.equal(*found)
