"""Keeps the children running: starts those that die again, and gives up on those that cannot."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from app.stack.child import Child
from app.stack.leftovers import POLL_SECONDS
from app.stack.trouble import StackError

WATCH_SECONDS = 0.2
QUICK_SECONDS = 10.0  # a child that lives shorter has failed to start
MOST_QUICK_FAILURES = 5

Say = Callable[[str], None]


@dataclass
class Watched:
    """A child and how often it died young, in a row."""

    child: Child
    failures: int = 0
    again_at: float | None = None  # monotonic; None: nothing is planned


def watch(children: Iterable[Child], *, stopping: Callable[[], bool], say: Say) -> None:
    """Watches until `stopping`; raises if a child dies young again and again."""
    all_watched = [Watched(child) for child in children]
    while not stopping():
        # One thread looks after all: a child is started again in the same one as at first.
        for watched in all_watched:
            look_after(watched, time.monotonic(), say)
        time.sleep(WATCH_SECONDS)


def look_after(watched: Watched, now: float, say: Say) -> None:
    """One look at one child."""
    child = watched.child
    if watched.again_at is not None:
        if now >= watched.again_at:
            watched.again_at = None
            # Its readiness is not awaited: the others must be looked after meanwhile, and those
            # who use it try again by themselves.
            child.start()
        return
    if child.exit_code() is None:
        return
    quick = now - child.started_at < QUICK_SECONDS
    watched.failures = watched.failures + 1 if quick else 0
    if watched.failures >= MOST_QUICK_FAILURES:
        raise StackError(
            f"{child.obituary()} {MOST_QUICK_FAILURES} times in a row, each time within "
            f"{QUICK_SECONDS:.0f} s of its start, so everything is stopped. {child.last_words()}"
        )
    wait = _wait_seconds(watched.failures)
    # Planned and not slept for: the others are watched, and a Ctrl-C is heard, while one waits.
    watched.again_at = now + wait
    say(f"{child.obituary()}; it is started again{f' in {wait:.0f} s' if wait else ''}.")


def _wait_seconds(failures: int) -> float:
    """Nothing the first time, then 1, 2, 4 seconds."""
    return 2.0 ** (failures - 2) if failures > 1 else 0.0


def stop_all(children: Sequence[Child], *, hurry: Callable[[], bool]) -> None:
    """Stops children side by side: each has its grace, and none in a hurry."""
    for child in children:
        # All are asked before any is waited for: the sum of their graces would be too long for
        # whoever stops us.
        child.request_stop()
    asked_at = time.monotonic()
    for child in children:
        # The signal's handler only notes; it is looked at here, so a second Ctrl-C ends the
        # waiting for all that are left.
        while child.is_running() and not hurry():
            if time.monotonic() - asked_at > child.program.grace_seconds:
                break
            time.sleep(POLL_SECONDS)
        # Also of one that has stopped by itself: its children may not have.
        child.end()
