"""When a dead child is started again, and when everything is given up. No time is waited."""

from dataclasses import dataclass, field

import pytest

from app.stack.supervisor import MOST_QUICK_FAILURES, Watched, look_after
from app.stack.trouble import StackError


@dataclass
class Mortal:
    """A child as the supervisor sees it."""

    started_at: float = 0.0
    code: int | None = None
    starts: list[float] = field(default_factory=list)

    def exit_code(self):
        return self.code

    def start(self):
        self.code = None
        self.starts.append(self.started_at)

    def obituary(self):
        return f"Mortal ended with {self.code}"

    def last_words(self):
        return "Its log ends with: no memory"


def starts_of(child, deaths, until):
    """The moments at which it is started again if it dies as soon as it is started."""
    watched, said, times = Watched(child), [], []
    for tenth in range(until * 10):
        now = tenth / 10
        if child.code is None and deaths > 0:
            child.code, deaths = 1, deaths - 1
        before = len(child.starts)
        look_after(watched, now, said.append)
        if len(child.starts) > before:
            child.started_at = now
            times.append(now)
    return times, said


def test_a_living_child_is_left_alone():
    child = Mortal()

    assert starts_of(child, deaths=0, until=5) == ([], [])


def test_a_child_that_dies_young_waits_longer_each_time():
    times, said = starts_of(Mortal(), deaths=4, until=20)

    waits = [later - earlier for earlier, later in zip([0.0, *times], times, strict=False)]
    assert [round(wait) for wait in waits] == [0, 1, 2, 4]
    assert said[0] == "Mortal ended with 1; it is started again."
    assert said[1] == "Mortal ended with 1; it is started again in 1 s."


def test_a_child_that_lived_long_is_started_again_at_once():
    child, said = Mortal(code=-9), []
    watched = Watched(child, failures=3)

    look_after(watched, 1000.0, said.append)
    look_after(watched, 1000.2, said.append)

    assert len(child.starts) == 1
    assert watched.failures == 0
    assert said == ["Mortal ended with -9; it is started again."]


def test_a_child_that_dies_young_again_and_again_is_given_up_with_its_log():
    with pytest.raises(StackError, match=r"5 times in a row.*no memory"):
        starts_of(Mortal(), deaths=MOST_QUICK_FAILURES, until=60)
