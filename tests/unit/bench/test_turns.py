"""Sizes and baseline take turns, for as long as there is time."""

import time
from collections.abc import Sequence

from app.schemas.config import RunConfig
from tests.unit.bench.laps import lap
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


def test_rounds_end_before_the_time_is_over() -> None:
    long_ago = time.monotonic() - 1

    done = take_turns(lambda _: lap(), None, Lengths({1: 5000}, until=long_ago), lambda _: None)

    assert done.rounds == 1
    assert done.baseline == {True: [], False: []}

    soon, begun = 0.2, time.monotonic()
    lengths = Lengths({1: 5000}, until=begun + soon)
    done = take_turns(lambda _: (time.sleep(0.02), lap())[1], None, lengths, lambda _: None)

    assert 1 < done.rounds < soon / 0.04
    assert time.monotonic() - begun < soon
