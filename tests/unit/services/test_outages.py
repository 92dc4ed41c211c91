"""When an expired lease says that a trainer is gone, and when only that nobody could renew it."""

from datetime import UTC, datetime, timedelta

from app.services.runs.reaper import Outages

START = datetime(2026, 1, 1, tzinfo=UTC)


def looks(*seen: tuple[float, float]) -> list[bool]:
    """What each look says: the seconds that have passed by the database's clock, and by ours."""
    outages = Outages(grace_seconds=10, longest_gap=5)
    return [outages.are_over(START + timedelta(seconds=there), here) for there, here in seen]


def every_two_seconds(since: int, until: int) -> list[tuple[float, float]]:
    return [(at, at) for at in range(since, until + 1, 2)]


def test_a_process_that_has_just_started_gives_trainers_their_time():
    assert looks(*every_two_seconds(0, 12)) == [False] * 5 + [True] * 2


def test_a_gap_between_two_looks_is_an_outage_after_which_trainers_have_their_time_again():
    before, after = every_two_seconds(0, 20), every_two_seconds(80, 92)

    assert looks(*before, *after)[len(before) :] == [False] * 5 + [True] * 2


def test_a_clock_that_is_set_forward_ends_no_lease_and_one_that_is_set_back_harms_none():
    before = every_two_seconds(0, 20)
    forward = [(at + 3600, here) for at, here in every_two_seconds(22, 34)]
    back = [(at - 3600, here) for at, here in every_two_seconds(22, 34)]

    assert looks(*before, *forward)[len(before) :] == [False] * 5 + [True] * 2
    assert looks(*before, *back)[len(before) :] == [True] * 7


def test_a_look_that_is_not_answered_is_an_outage_however_short():
    outages = Outages(grace_seconds=10, longest_gap=5)
    before = [outages.are_over(START + timedelta(seconds=at), at) for at in range(0, 21, 2)]
    outages.begin()

    after = [outages.are_over(START + timedelta(seconds=at), at) for at in range(22, 35, 2)]

    assert before[-1]
    assert after == [False] * 5 + [True] * 2
