"""Phase-change points on curves whose points are known."""

from math import inf, log, nan

import pytest

from app.schemas.measure import PhaseChange
from worker.science.phase_change import PhaseDetector, phase_change

# Training loss of the paper's Fig. 3a, read off the figure; thousands of sequences.
FIGURE_3A = [
    (0, 1.97), (20, 0.98), (50, 0.786), (75, 0.751), (100, 0.731), (150, 0.697), (200, 0.595),
    (250, 0.368), (300, 0.199), (400, 0.075), (500, 0.037), (600, 0.020), (800, 0.007),
]  # fmt: skip
# The same figure's family with the match fixed (Fig. 5b): no plateau.
MATCH_FIXED = [(0, 1.95), (10, 1.13), (20, 0.626), (50, 0.14), (100, 0.042)]


def test_the_published_curve_has_its_midpoint_at_256k() -> None:
    found = phase_change([(1000 * k, loss) for k, loss in FIGURE_3A], log(2))

    assert found.midpoint == pytest.approx(256_000, abs=1000)
    assert found.plateau_start == pytest.approx(43_000, abs=1000)
    assert found.onset == found.plateau_end == pytest.approx(169_000, abs=1000)
    assert found.end == pytest.approx(415_000, abs=2000)


def test_a_curve_that_rushes_through_has_no_plateau() -> None:
    found = phase_change([(1000 * k, loss) for k, loss in MATCH_FIXED], log(2))

    assert found.plateau_start is None
    assert found.midpoint == pytest.approx(37_250, abs=50)


def test_points_are_known_as_soon_as_they_are_crossed_and_never_move() -> None:
    detector = PhaseDetector(log(2))
    known = [detector.add(1000 * k, loss) for k, loss in FIGURE_3A]

    assert known[5].onset is None
    assert known[6].onset is not None
    assert {found.onset for found in known[6:]} == {known[6].onset}


def test_nan_is_passed_over() -> None:
    detector = PhaseDetector(1.0)

    detector.add(0, 2.0)
    assert detector.add(10, nan) == PhaseChange()
    assert detector.add(20, inf) == PhaseChange()
    assert detector.add(30, 0.2).midpoint == pytest.approx(25)


def test_a_run_that_starts_below_a_level_crossed_it_at_once() -> None:
    assert phase_change([(0, 0.4)], 1.0).midpoint == 0


def places(curve: list[tuple[int, float]], *, forked_at: int | None = None) -> PhaseChange:
    """Of a curve at a chance loss of 1, forked before its measurement at that place."""
    detector = PhaseDetector(1.0)
    for sequences, loss in curve:
        if sequences == forked_at:
            detector.fork()
        detector.add(sequences, loss)
    return detector.phase_change


DRIVEN = [(0, 2.0), (10, 0.4), (20, 0.05)]  # by a clamp that is let go at 20


def test_a_drop_that_is_undone_is_reversed_where_the_loss_is_above_the_onset_again() -> None:
    assert places(DRIVEN).reversal is None
    assert places([*DRIVEN, (30, 0.9)]).reversal is None, "0.9 is below where it set in"
    undone = places([*DRIVEN, (30, 1.3), (40, 1.1)])
    assert (undone.midpoint, undone.reversal) == (places(DRIVEN).midpoint, 30)


def test_another_drop_takes_the_place_of_one_that_was_undone_once_it_has_a_midpoint() -> None:
    curve = [*DRIVEN, (30, 1.3), (40, 1.1), (80, 1.0), (100, 0.9)]

    assert places(curve).reversal == 30, "only its onset was seen"
    again = places([*curve, (110, 0.5)])
    assert again.model_dump(exclude_none=True) == {
        "plateau_start": pytest.approx(35),
        "plateau_end": pytest.approx(90),
        "onset": pytest.approx(90),
        "midpoint": 110,
    }
    assert places([*curve, (110, 0.5), (120, 1.0)]).reversal == 120


def test_a_fork_after_the_drop_has_no_phase_change_of_its_parents() -> None:
    assert places([*DRIVEN, (30, 0.04), (40, 0.03)], forked_at=30) == PhaseChange()
    assert places([*DRIVEN, (30, 0.6), (40, 0.03)], forked_at=30) == PhaseChange()


def test_a_fork_has_its_own_second_drop() -> None:
    own = places([*DRIVEN, (30, 1.5), (40, 0.6), (50, 0.4)], forked_at=30)

    assert own.midpoint == pytest.approx(45)
    assert own.onset == pytest.approx(40 - 10 * 0.35 / 0.9)


def test_a_fork_during_the_plateau_has_all_of_the_drop_and_the_plateau() -> None:
    curve = [(0, 2.0), (10, 1.1), (50, 1.0), (60, 0.9), (70, 0.4)]

    assert places(curve, forked_at=50) == places(curve)
    assert places(curve).plateau_start is not None


def test_a_fork_during_the_drop_has_what_comes_after_it() -> None:
    curve = [(0, 2.0), (10, 1.1), (50, 0.9), (60, 0.8), (70, 0.4)]

    own = places(curve, forked_at=60)

    assert (own.onset, own.midpoint) == (None, places(curve).midpoint)
