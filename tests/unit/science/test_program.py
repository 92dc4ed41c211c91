"""Programs as edits: laws, gradients, and no clamp without effect."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.schemas.clamps.kinds import Ablate, InductionPattern
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig
from tests.unit.science.support import small
from worker.science.clamps.passes import Passes
from worker.science.clamps.program import compile_program
from worker.science.model import Batch, Output, forward, pattern_keys
from worker.science.parameters import Shape
from worker.science.taps import Edit


def edit(*numbers: float) -> Edit:
    return Edit(torch.tensor(numbers[0]), torch.tensor(numbers[1]))


def test_edits_compose_associatively() -> None:
    one, two, three = edit(2.0, 1.0), edit(0.0, 5.0), edit(3.0, -1.0)

    assert one.then(two).then(three) == one.then(two.then(three)) == edit(0.0, 14.0)


def model_inputs(config: RunConfig) -> tuple[dict, Batch]:
    weights = small.trainer(config).weights(0)
    generator = torch.Generator().manual_seed(0)
    noisy = {n: w + 0.3 * torch.randn(w.shape, generator=generator) for n, w in weights.items()}
    pairs = config.task.context_pairs
    labels = torch.stack([torch.randperm(5, generator=generator)[:pairs] for _ in range(8)], 1)
    features = torch.randn(12, 512, generator=generator)
    row = torch.randint(0, 12, (pairs + 1, 8), generator=generator)
    return noisy, Batch(features, row, labels, labels[0])


def clamped(config: RunConfig, weights: dict, batch: Batch, sequence: int = 0) -> Output:
    """The whole pass under the config's program, at a training sequence."""
    program = compile_program(config)
    shape = Shape(config.model, 512, config.task.labels, config.task.context_pairs)
    clock, keep = torch.tensor([sequence]), pattern_keys(config.model)
    return Passes(shape, program.layout)(weights, program.tensors, batch, clock, keep, whole=True)


def test_an_empty_program_changes_nothing_and_an_identity_edit_is_exact() -> None:
    config = small.config()
    weights, batch = model_inputs(config)
    identity = {"L0.pattern": Edit(torch.ones(2, 5, 5, 1), torch.zeros(2, 5, 5, 1))}

    plain = forward(config.model, weights, batch).logits

    assert torch.equal(plain, forward(config.model, weights, batch, identity).logits)
    assert compile_program(config).layout == ()


def test_a_fixed_induction_pattern_is_the_pattern_asked_for() -> None:
    site = Site.parse("L1H1.pattern[query]")
    clamp = InductionPattern(site=site, strength=0.75)
    config = small.config((clamp,))
    weights, batch = model_inputs(config)

    pattern = clamped(config, weights, batch).kept["L1.pattern"]
    keep = pattern_keys(config.model)
    free = forward(config.model, weights, batch, {}, keep, whole=True).kept["L1.pattern"]

    expected = torch.tensor([0.0, 0.75, 0.0, 0.25, 0.0])[:, None].expand(5, 8)
    assert torch.equal(pattern[1, 4], expected)  # the first label is the right one in this batch
    assert torch.equal(pattern[1, :4], free[1, :4])
    assert torch.equal(pattern[0], free[0])


def test_no_gradient_reaches_the_queries_and_keys_of_a_fixed_head() -> None:
    clamps = (
        InductionPattern(site=Site.parse("L1H1.pattern[query]")),
        Ablate(site=Site.parse("L1H0.v")),
    )
    config = small.config(clamps)
    weights, batch = model_inputs(config)

    def loss(weights: dict) -> torch.Tensor:
        return clamped(config, weights, batch).logits.square().sum()

    gradient = torch.func.grad(loss)(weights)["blocks.1.attn.qkv.weight"].view(3, 2, 8, 16)

    queries, keys, values = gradient.abs().sum((2, 3))
    assert queries.tolist() == keys.tolist() == [0, 0]
    assert values[0] == 0
    assert values[1] > 0


def ablated(site: str) -> dict:
    return {"kind": "ablate", "site": site}


def attending(site: str, target: str) -> dict:
    return {"kind": "set_pattern", "site": site, "target": target}


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ([ablated("L1H7.v")], "L1H7.v: the model has heads 0 to 1"),
        ([ablated("L2.v")], "L2.v: the model has layers 0 to 1"),
        ([ablated("L1.v"), ablated("L1H0.v")], "both decide the v of layer 2, head 0; keep one"),
        ([ablated("logits")], "ablate acts at embed, q_input"),
        ([ablated("L1H0.values")], "'values' is none of embed, q_input"),
        ([ablated("v")], "names no layer; write L0.v or L[*].v"),
        (
            [attending("L1.pattern", "induction")],
            "covers the positions .query.; write for instance L1H3",
        ),
        (
            [attending("L1.pattern[labels]", "previous_token")],
            "layer 2 is the last, of which only the query is read",
        ),
        (
            [ablated("L1.v"), attending("L0.pattern[labels]", "previous_token")],
            "would change nothing beside ablate .L1.v.",
        ),
        (
            [ablated("L1H1.v"), attending("L1H1.pattern[query]", "induction")],
            "would change nothing beside ablate .L1H1.v.",
        ),
    ],
)
def test_refusals_name_the_site_and_the_reason(program: list[dict], message: str) -> None:
    plain = small.config().model_dump(mode="json")

    with pytest.raises(ValidationError, match=message):
        RunConfig.model_validate(plain | {"program": program})


@given(
    st.sampled_from(["L0.v", "L1H3.pattern[query]", "L*.k", "logits", "embed", "L0H1,2.q[labels]"])
)
def test_sites_survive_a_round_trip(text: str) -> None:
    assert str(Site.parse(text)) == text
