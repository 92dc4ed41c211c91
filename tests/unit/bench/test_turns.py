"""Sizes and baseline take turns, for as long as there is time."""

from collections.abc import Sequence

import pytest

from app.schemas.config import RunConfig
from tests.unit.bench.laps import lap
from worker.__main__ import parser
from worker.bench.command import lengths_of
from worker.bench.track import Lap, Pace
from worker.bench.turns import Lengths, take_turns


def test_sizes_and_baseline_take_turns_with_and_without_records() -> None:
    order: list[tuple[object, int]] = []

    def run(configs: Sequence[RunConfig]) -> Lap:
        [every] = {config.recording.evaluate_every for config in configs}
        assert configs[0].training.sequences == {1: 7000, 3: 6000}[len(configs)]
        order.append((len(configs), every))
        return lap()

    def baseline(sequences: int, every: int) -> Pace:
        order.append(("baseline", every))
        return Pace(sequences, 1.0, 1.0)

    told: list[int] = []
    done = take_turns(
        run,
        baseline,
        Lengths({1: 7000, 3: 6000}, rounds=2),
        lambda so_far: told.append(so_far.rounds),
    )

    recorded = [("baseline", 5000), (1, 5000), (3, 5000)]
    bare = [("baseline", 30_000), (1, 10_000), (3, 10_000)]
    assert order == [*recorded, *bare] * 2
    assert told == [1, 2]
    assert done.rounds == 2


@pytest.mark.parametrize(
    ("until", "rounds"), [(0.0, 1), (10.0, 1), (19.0, 1), (21.0, 2), (61.0, 6)]
)
def test_no_round_begins_that_would_end_too_late(until: float, rounds: int) -> None:
    now = 0.0

    def run(_: Sequence[RunConfig]) -> Lap:
        nonlocal now
        now += 5.0
        return lap()

    lengths = Lengths({1: 5000}, until=until)
    done = take_turns(run, None, lengths, lambda _: None, clock=lambda: now)

    assert done.rounds == rounds  # of two laps each
    assert done.baseline == {True: [], False: []}


def test_a_bench_takes_three_minutes_or_is_long() -> None:
    [short] = lengths_of(parser().parse_args(["bench"]), begun=1000.0)

    assert short == Lengths({1: 100_000, 32: 25_000}, rounds=0, until=1180.0)

    long = lengths_of(parser().parse_args(["bench", "--long"]), begun=1000.0)
    assert [dict(one.each) for one in long] == [
        {1: 500_000}, {8: 250_000}, {32: 62_500}, {128: 20_000}
    ]  # fmt: skip
    assert [one.rounds for one in long] == [3, 2, 2, 1]

    asked = ["bench", "--cohorts", "4", "--sequences", "9000", "--rounds", "5"]
    [own] = lengths_of(parser().parse_args(asked), begun=0.0)
    assert (own.each, own.rounds) == ({4: 9000}, 5)
