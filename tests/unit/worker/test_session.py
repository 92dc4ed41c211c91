"""A training session between two updates, while the recorder's thread hears of new wishes."""

import threading
from collections.abc import Mapping
from types import SimpleNamespace

from app.config import Settings
from app.schemas.state import RunState
from worker.training.session import TrainingSession

SETTINGS = Settings(database_url="postgresql://nowhere", redis_url="redis://nowhere")


class Recorder:
    """Says that a run is to pause, and at the next look that it is not: it was resumed."""

    has_failed = False

    def __init__(self) -> None:
        self.ended: list[str] = []
        self.moved = 0
        self._wishes = iter(({"one": RunState.CANCELLED}, {}, {}))

    @property
    def leaving(self) -> Mapping[str, RunState]:
        return next(self._wishes)

    def moves(self) -> None:
        self.moved += 1

    def end(self, run_id: str, ending: object, *, resume: object = None) -> None:
        self.ended.append(run_id)


def test_a_wish_that_is_taken_back_while_it_is_looked_at_is_heard_whole():
    recorder = Recorder()
    session = TrainingSession((), SETTINGS, None, recorder, threading.Event())
    session._runs = [SimpleNamespace(run_id="one", is_over=False)]
    session._cohort = SimpleNamespace(leave=lambda index: None)

    assert not session._should_stop()

    assert recorder.ended == ["one"]


def test_every_update_says_that_the_training_goes_on():
    recorder = Recorder()
    session = TrainingSession((), SETTINGS, None, recorder, threading.Event())

    for _ in range(2):
        session._should_stop()

    assert recorder.moved == 2
