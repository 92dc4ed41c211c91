"""Trainers and analysts load torch without a search for garbage, and search for it again later."""

import gc
import sys
from collections.abc import Callable
from functools import partial
from unittest.mock import Mock

import pytest

from worker import analyst, trainer


class Loaded(BaseException):
    """Instead of a module."""


class Watcher:
    """Notes whether garbage is searched for when a module is looked for, and does not find it."""

    def __init__(self, module: str) -> None:
        self.module = module
        self.searched: list[bool] = []

    def find_spec(self, name: str, *_: object) -> None:
        if name == self.module:
            self.searched.append(gc.isenabled())
            raise Loaded


@pytest.mark.parametrize(
    ("module", "load"),
    [
        ("worker.training.session", partial(trainer._train, *[Mock()] * 3, [], Mock(), None)),
        ("worker.analysis.session", partial(analyst._do, *[Mock()] * 5)),
    ],
)
def test_nothing_is_collected_while_torch_is_loaded(
    monkeypatch: pytest.MonkeyPatch, module: str, load: Callable[[], int]
) -> None:
    watcher = Watcher(module)
    monkeypatch.setattr(trainer, "Recorder", Mock())
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(sys, "meta_path", [watcher, *sys.meta_path])

    with pytest.raises(Loaded):
        load()

    assert watcher.searched == [False]
    assert gc.isenabled()
