"""What laps come to: ratios to the baseline, and where the time goes."""

from collections.abc import Sequence

import pytest

from tests.unit.bench.laps import lap
from worker.bench.figures import Peak, costs, figures, ratios, shares_of_time, work_of_a_sequence
from worker.bench.table import size_lines
from worker.bench.track import Pace
from worker.bench.turns import Turns


def turns(speeds: Sequence[float], baseline: Sequence[float]) -> Turns:
    """Of one run, so many sequences a second in each round; recorded in twice the time; and the
    machine does other things in three quarters of it."""
    laps = {
        part: [lap(seconds=factor * 1000 / one, cpu=factor * 250 / one) for one in speeds]
        for part, factor in {True: 2.0, False: 1.0}.items()
    }
    paces = [Pace(1000, 1000 / one, 500 / one) for one in baseline]
    return Turns({True: paces, False: paces}, {1: laps})


def test_ratios_are_of_medians_with_the_rounds_that_differ_most() -> None:
    found = ratios(turns([10_000, 30_000, 12_000], [1000, 2000, 1500]))

    assert found["times_baseline"] == {"1": {"end_to_end": 4.0, "training": 8.0}}
    assert found["times_baseline_spread"]["1"]["training"] == [8.0, 15.0]
    assert found["times_baseline_by_cpu_time"]["1"] == {"end_to_end": 8.0, "training": 16.0}


def test_where_the_time_goes_adds_up() -> None:
    gflops = 4 * work_of_a_sequence() * 1000 / 1e9  # four times what it needs in a second
    recorded, bare = lap(1000, seconds=1.0, cpu=0.8), lap(1000, seconds=0.7, cpu=0.6)

    shares = shares_of_time({True: [recorded], False: [bare]}, 1, Peak(gflops, 2, True))

    assert shares == {
        "matrix products": pytest.approx(0.25),
        "evaluation and recording": pytest.approx(0.2),
        "waiting for a core": pytest.approx(0.2),
        "other kernels and calls": pytest.approx(0.35),
    }

    # Two workers; and where the system does not tell of CPU time, by the clock.
    laps = {True: [lap(1000, 1.0, 0.0)], False: [lap(1000, 0.6, 0.0)]}
    shares = shares_of_time(laps, 32, Peak(gflops, 2, True))
    assert shares["matrix products"] == pytest.approx(0.125)
    assert shares["evaluation and recording"] == pytest.approx(0.4)
    assert shares["waiting for a core"] == 0


def test_a_busy_machine_is_said() -> None:
    some, peak = turns([50_000], [5000]), Peak(80.0, 2, has_cores=True)
    of = figures(some.sizes[1], 1, 1000, peak)
    baseline = costs(some.baseline[True])
    found = {"cohorts": {"1": of}, "baseline": baseline, **ratios(some)}

    lines = "\n".join(size_lines(1, found))

    assert "1 run: 25,000 sequences/s end to end, 5.0 times the baseline (5.0 to 5.0; 10.0" in lines
    assert "40.0 s and 10.0 CPU seconds per million sequences; the baseline 200.0 s" in lines
    assert "so it is bound by waiting for a core" in lines
    assert "did other things" in lines
    assert "times the baseline" not in "\n".join(size_lines(1, {"cohorts": {"1": of}}))
