"""Lights that are switched while training: at exactly the sequence asked for."""

import pytest
import torch
from torch import Tensor

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.kinds import Ablate, InductionPattern
from app.schemas.clamps.site import Site
from app.schemas.config import RunConfig, TrainingConfig
from tests.unit.science.support import clamped, small
from worker.science.clamps.program import compile_program, stack_programs
from worker.science.training.functions import TrainingState, TrainingStep
from worker.science.training.loop import Report
from worker.science.training.updates import adam_settings, correction

SITE = Site.parse("L1H1.v")


def silence(**window: int) -> Ablate:
    return Ablate(site=SITE, **window)


@pytest.mark.parametrize(
    ("window", "on"),
    [
        ({"from_sequences": 40}, [40, 41, 42, 10**6]),
        ({"until_sequences": 40}, [0, 39]),
        ({"from_sequences": 40, "until_sequences": 42}, [40, 41]),
    ],
)
def test_the_light_is_on_for_the_sequences_of_its_window_alone(
    window: dict[str, int], on: list[int]
) -> None:
    of = clamped.config((silence(**window),))
    lit, dark = clamped.config((silence(),)), clamped.config()

    for sequence in (0, 39, 40, 41, 42, 10**6):
        expected = lit if sequence in on else dark
        assert torch.equal(clamped.logits(of, at=sequence), clamped.logits(expected)), sequence


def losses_of_a_batch(of: RunConfig, first: int) -> float:
    """The loss of one update whose batch begins with training sequence `first`."""
    shape, batch, data = clamped.shape(of), clamped.batch(), compile_program(of)
    weights = {name: one.float() for name, one in clamped.weights(shape).items()}
    flat = shape.flatten(weights)[None]
    state = TrainingState(flat, torch.zeros_like(flat), torch.zeros_like(flat))
    stacked = batch._replace(
        features=batch.features.float(),
        row=batch.row[None],
        labels=batch.labels[None],
        target=batch.target[None],
    )
    clock = torch.arange(clamped.SEQUENCES) + first
    _, loss = TrainingStep(shape, data.layout)(
        state, adam_settings([of]), correction([of], 0), stack_programs([data]), stacked, clock
    )
    return loss.item()


def cross_entropies(of: RunConfig) -> Tensor:
    logits, target = clamped.logits(of), clamped.batch().target
    return logits.logsumexp(0) - logits.gather(0, target[None]).squeeze(0)


@pytest.mark.parametrize("inside", [0, 1, 5, clamped.SEQUENCES])
def test_a_window_may_open_in_the_middle_of_a_batch(inside: int) -> None:
    """The batch's first `inside` sequences are trained in the dark, the others in the light."""
    of = clamped.config((silence(from_sequences=1000),))
    dark, lit = cross_entropies(clamped.config()), cross_entropies(clamped.config((silence(),)))

    found = losses_of_a_batch(of, first=1000 - inside)

    expected = torch.cat([dark[:inside], lit[inside:]]).mean().item()
    assert found == pytest.approx(expected, rel=1e-5)
    assert abs(dark.mean().item() - lit.mean().item()) > 1e-3


def curve(*program: BaseClamp) -> dict[int, Report]:
    config = small.config(program, training=TrainingConfig(sequences=256, batch_size=16))
    return {report.measurement.sequences: report for (report,) in small.train(config)}


def test_a_window_of_training_is_felt_from_its_first_sequence_and_shown_from_there() -> None:
    free, windowed = curve(), curve(silence(from_sequences=128, until_sequences=192))
    constant = curve(silence())

    def loss(of: dict[int, Report], at: int) -> list[float]:
        return of[at].measurement.loss

    assert loss(windowed, 64) == loss(free, 64)
    assert loss(windowed, 128) != loss(free, 128)  # measured with the light that just went on
    assert weights(windowed, 128) == weights(free, 128)  # trained without it so far
    assert weights(windowed, 256) != weights(free, 256)
    assert loss(windowed, 192) != loss(constant, 192)


def weights(of: dict[int, Report], at: int) -> list[list[float]]:
    found = of[at].weights
    assert found is not None
    return [one.flatten().tolist() for one in found.values()]


def test_a_measurement_at_the_end_of_a_window_is_made_in_the_dark() -> None:
    """Lights of a report are those of the next training sequence."""
    always = curve(silence(until_sequences=64))
    longer = curve(silence(until_sequences=65))

    assert weights(always, 128) != weights(longer, 128)  # one sequence more
    assert always[0].measurement == longer[0].measurement.model_copy(
        update={"elapsed_seconds": always[0].measurement.elapsed_seconds}
    )
    assert always[64].measurement.loss != longer[64].measurement.loss


def test_switching_a_light_compiles_nothing_anew() -> None:
    pattern = InductionPattern(site=Site.parse("L1H0.pattern[query]"), from_sequences=32)
    config = small.config((silence(from_sequences=64, until_sequences=128), pattern))
    trainer = small.trainer(config)
    graphs: list[int] = []

    def count(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
        graphs.append(len(inputs))
        return graph

    trainer._step._call = torch.compile(  # as `Compiled` does, with a backend that counts
        trainer._step.function, fullgraph=True, dynamic=False, backend=count
    )
    list(trainer.reports())

    assert len(graphs) == 1


def test_runs_whose_windows_differ_share_one_program() -> None:
    one = compile_program(small.config((silence(from_sequences=64),)))
    other = compile_program(small.config((silence(from_sequences=0, until_sequences=100),)))

    assert one.layout == other.layout
    assert compile_program(small.config((silence(),))).layout != one.layout
