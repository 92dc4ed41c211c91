"""What clamps take from other passes: values, gradients, other sequences, other models."""

import torch
from torch import Tensor

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.kinds import (
    Ablate,
    GraftIn,
    GraftOut,
    MeanAblate,
    PerfectCopy,
    PerfectLayer1,
    Preserve,
    Resample,
    SetConstant,
)
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig
from tests.unit.science.support import clamped
from worker.science.clamps.passes import Passes
from worker.science.clamps.patterns import cosines, match_shares
from worker.science.clamps.program import Donor, compile_program
from worker.science.model import forward
from worker.science.taps import Edit

SILENT = Ablate(site=Site.parse("L0H0.v"))


def seen(name: str, *program: BaseClamp) -> Tensor:
    return clamped.run(clamped.config(program), keep=(name,)).kept[name]


def test_a_preserved_pattern_is_the_unclamped_one_bit_for_bit() -> None:
    preserve = Preserve(site=Site.parse("L*.pattern"))

    assert torch.equal(seen("L1.pattern", preserve, SILENT), seen("L1.pattern"))
    assert not torch.equal(seen("L1.pattern", SILENT), seen("L1.pattern"))


def test_an_assignment_beats_a_reference_wherever_it_stands_in_the_program() -> None:
    keep, silence = Preserve(site=Site.parse("L1.v")), Ablate(site=Site.parse("L1H1.v"))

    one, other = seen("L1.v", keep, silence, SILENT), seen("L1.v", SILENT, silence, keep)

    assert torch.equal(one, other)
    assert torch.equal(one[0], seen("L1.v")[0])
    assert not one[1].any()


def test_means_and_other_sequences_are_those_of_the_batch() -> None:
    free = seen("L1.z")

    mean = seen("L1.z", MeanAblate(site=Site.parse("L1.z")))
    other = seen("L1.z", Resample(site=Site.parse("L1.z")))

    expected = free.mean(-1, keepdim=True).expand_as(free)
    torch.testing.assert_close(mean, expected, atol=1e-12, rtol=0)
    assert torch.equal(other, free.roll(1, -1))


def gradients(*program: BaseClamp) -> dict[str, Tensor]:
    of = clamped.config(program)
    shape, data = clamped.shape(of), compile_program(of)
    weights = {name: tensor.float() for name, tensor in clamped.weights(shape).items()}
    batch = clamped.batch()
    batch = batch._replace(features=batch.features.float())

    def loss(weights: dict[str, Tensor]) -> Tensor:
        passes = Passes(shape, data.layout)
        return passes(weights, data.tensors, batch, torch.tensor([0])).logits.square().sum()

    return torch.func.grad(loss)(weights)


def test_gradients_flow_through_the_unclamped_pass_unless_they_are_stopped() -> None:
    """With layer 1 silent, its values reach the output through the preserved keys alone."""
    silent = Ablate(site=Site.parse("L0.v"))
    through = gradients(Preserve(site=Site.parse("L1.k")), silent)
    stopped = gradients(Preserve(site=Site.parse("L1.k"), gradient="stop"), silent)
    name = "blocks.0.attn.qkv.weight"

    assert through[name].abs().sum() > 0
    assert stopped[name].abs().sum() == 0


def test_layer_1_gets_no_gradient_where_it_is_perfect() -> None:
    found = gradients(PerfectLayer1(site=Site.parse("L0.resid")))

    assert found["blocks.0.attn.qkv.weight"].abs().sum() == 0
    assert found["blocks.1.attn.qkv.weight"].abs().sum() > 0


def test_perfect_layer_1_shows_layer_2_the_token_before() -> None:
    program = (PerfectLayer1(site=Site.parse("L0.resid")),)
    embedded = seen("embed")

    assert torch.equal(seen("L1.v_input", *program), embedded)
    for point in ("L1.q_input", "L1.k_input"):
        assert torch.equal(seen(point, *program), embedded[:, [0, 0, 1, 2, 4]])


def test_perfect_layer_1_starts_from_the_embedding_as_clamps_leave_it() -> None:
    constant = SetConstant(site=Site.parse("embed[labels]"), value=0.25)
    program = (PerfectLayer1(site=Site.parse("L0.resid")), constant)

    assert torch.equal(seen("L1.v_input", *program), seen("embed", constant))


def test_a_copied_label_is_as_probable_as_its_share_of_attention() -> None:
    copy = PerfectCopy(site=Site.parse("L1H1.score[query]"))
    output = clamped.run(clamped.config((copy,)), keep=("L1.pattern",))
    labels = clamped.batch().labels

    on_labels = output.kept["L1.pattern"][1, -1, 1::2]
    shares = on_labels / on_labels.sum(0)

    torch.testing.assert_close(output.logits.softmax(0).gather(0, labels), shares)


def test_a_live_copy_sees_the_other_clamps_and_an_unclamped_one_does_not() -> None:
    copy = PerfectCopy(site=Site.parse("L1H1.score[query]"))
    before = copy.model_copy(update={"source": "unclamped"})

    def logits(*program: BaseClamp) -> Tensor:
        return clamped.logits(clamped.config(program))

    assert not torch.equal(logits(copy, SILENT), logits(copy))
    assert torch.equal(logits(before, SILENT), logits(copy))


def donor(program: tuple[BaseClamp, ...] = ()) -> tuple[RunConfig, Donor]:
    of = clamped.config(program)
    shape = clamped.shape(of)
    weights = {name: one.float() for name, one in clamped.weights(shape, 8).items()}
    return of, Donor(of, shape, weights, 5)


def run_with(donated: Donor, clamp: BaseClamp, keep: str) -> tuple[Tensor, Tensor]:
    of = clamped.config((clamp,))
    data = compile_program(of, {clamped.DONOR: donated})
    shape = clamped.shape(of)
    weights = {name: one.float() for name, one in clamped.weights(shape).items()}
    batch = clamped.batch()
    batch = batch._replace(features=batch.features.float())
    clock = torch.tensor([0])
    passes = Passes(shape, data.layout)
    output = passes(weights, data.tensors, batch, clock, frozenset({keep}), whole=True)
    donors = compile_program(donated.config)
    own = Passes(donated.shape, donors.layout)
    plain = own(donated.weights, donors.tensors, batch, clock, frozenset({keep}), whole=True)
    return output.kept[keep], plain.kept[keep]


def test_a_grafted_layer_is_the_donors_under_its_own_program() -> None:
    graft = GraftIn(site=Site.parse("L0.resid"), checkpoint=clamped.DONOR)
    _, free = donor()
    _, silenced = donor((SILENT,))

    grafted, expected = run_with(silenced, graft, "L0.resid")

    assert torch.equal(grafted, expected)
    assert not torch.equal(grafted, run_with(free, graft, "L0.resid")[0])


def test_what_is_grafted_after_a_layer_goes_on_from_it_without_clamps() -> None:
    graft = GraftOut(site=Site.parse("L0.resid"), checkpoint=clamped.DONOR)
    of = clamped.config((graft, SILENT))
    stream = clamped.run(of, keep=("L0.resid",)).kept["L0.resid"]

    shape, batch = clamped.shape(of), clamped.batch()
    weights = {name: one.float().double() for name, one in clamped.weights(shape, 8).items()}
    edits = {"L0.resid": Edit(None, stream)}
    expected = forward(of.model, weights, batch, edits, whole=True).logits

    torch.testing.assert_close(clamped.logits(of), expected)


def test_a_hard_match_takes_the_most_alike_and_a_soft_one_weighs() -> None:
    cosine = torch.tensor([[0.9, 0.2], [0.1, 0.2]])

    shares = match_shares(cosine, torch.tensor([0.0, 0.5]))

    assert shares[0].tolist() == [[1.0, 0.5], [0.0, 0.5]]
    torch.testing.assert_close(shares[1], (cosine / 0.5).softmax(0))


def test_a_querys_own_exemplar_is_its_likest() -> None:
    batch = clamped.batch()

    assert torch.equal(cosines(batch).argmax(0), (batch.labels == batch.target).int().argmax(0))
