"""Which checkpoints stay."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.schemas.retention import AROUND, EVENLY, Course, kept

DEFAULT = [-(-at // 32) * 32 for at in range(0, 1_000_001, 5000)]
FILE = 811_000  # bytes of a default run's checkpoint, with the optimiser


def test_a_default_run_keeps_less_than_30_mb_and_its_phase_change():
    course = Course(1_000_000, onset=180_000, end=330_000)

    stay = kept(DEFAULT, course)

    assert len(DEFAULT) == 201
    assert len(stay) * FILE < 30_000_000
    assert {DEFAULT[0], DEFAULT[-1]} <= stay
    around = sorted(at for at in stay if 150_000 <= at <= 360_000)
    assert len(around) >= AROUND - 2
    assert max(b - a for a, b in pairwise(around)) <= 26_000
    far = sorted(stay)
    assert max(b - a for a, b in pairwise(far)) <= 1_000_000 / EVENLY * 1.2


def test_a_run_of_few_checkpoints_keeps_all():
    assert kept(DEFAULT[:30], Course(1_000_000, None, None)) == {*DEFAULT[:30]}


@given(
    st.sets(st.integers(0, 10**7), min_size=1, max_size=400).map(sorted),
    st.floats(0, 10**7) | st.none(),
    st.floats(0, 10**7) | st.none(),
    st.data(),
)
def test_the_ends_and_what_is_needed_always_stay_and_there_are_never_many(places, onset, end, data):
    needed = data.draw(st.sets(st.sampled_from(places), max_size=5))
    if onset is not None and end is not None and end < onset:
        onset, end = end, onset

    stay = kept(places, Course(places[-1], onset, end), needed)

    assert {places[0], places[-1], *needed} <= stay <= {*places}
    assert len(stay) <= EVENLY + AROUND + 3 + len(needed)
