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
