"""Compiled and eager training are the same training; without a compiler it is said."""

import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from app.schemas.clamps.kinds import Ablate, InductionPattern
from app.schemas.clamps.site import Site
from app.schemas.config import TaskConfig
from tests.unit.science.support import small
from worker.science.machine import inductor
from worker.science.machine.compiler import NO_COMPILER, Compiled, cxx
from worker.science.training.loop import Trainer


@pytest.mark.slow
@pytest.mark.skipif(cxx() is None, reason="needs a C++ compiler, which this machine lacks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while it traces
def test_a_compiled_training_equals_the_eager_one() -> None:
    clamps = (
        InductionPattern(site=Site.parse("L1H1.pattern[query]")),
        Ablate(site=Site.parse("L1H0.v")),
    )
    config = small.config(clamps)
    compiled = Trainer([config], [small.dataset(config)])
    compiled.warm_up()

    ours = [report.measurement for (report,) in compiled.reports()]
    theirs = [report.measurement for (report,) in small.train(config)]

    assert compiled.device == "CPU, 1 thread, compiled"
    assert compiled.notices == ()
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(
            torch.tensor(one.loss), torch.tensor(other.loss), rtol=1e-4, atol=0
        )
        torch.testing.assert_close(
            torch.tensor(one.induction_strength), torch.tensor(other.induction_strength),
            rtol=0, atol=1e-5,
        )  # fmt: skip


def test_runs_with_any_number_of_classes_are_evaluated_by_one_program(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    graphs: list[int] = []

    def count(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> torch.fx.GraphModule:
        graphs.append(len(inputs))
        return graph

    def counted(function: Callable[..., Any], compiler: str) -> Callable[..., Any]:
        return torch.compile(function, fullgraph=True, dynamic=False, backend=count)

    monkeypatch.setattr(inductor, "compiled", counted)
    configs = [small.config(task=_task(classes)) for classes in (10, 20, 30)]
    programs = None
    for config in configs:
        trainer = Trainer([config], [small.dataset(config)], programs=programs)
        programs = trainer.programs
        with torch.no_grad():
            for evaluated in trainer._evaluated():
                seen = programs.evaluate(*evaluated)
                expected = programs.evaluate.function(*evaluated)
                torch.testing.assert_close(seen.metrics, expected.metrics)

    assert len(graphs) == 1


def _task(classes: int) -> TaskConfig:
    return TaskConfig(dataset="gaussian", classes=classes, new_classes=5)


def test_without_a_compiler_training_is_eager_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)

    doubled = Compiled(lambda x: 2 * x, enabled=True)

    assert doubled(21) == 42
    assert not doubled.is_compiled
    assert doubled.notice == NO_COMPILER


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while it traces
@pytest.mark.filterwarnings("ignore:dynamo_pgo force disabled")  # as the test asks for
@pytest.mark.parametrize("broken", ["exit 1", "echo 'g++ 12'; exit 1", "kill -9 $$"])
def test_a_broken_compiler_leaves_training_eager_and_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: str
) -> None:
    compiler = tmp_path / "g++"
    compiler.write_text(f"#!/bin/sh\n{broken}\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    function = Compiled(lambda x: (2 * x + 1).sin(), enabled=True)

    with torch._inductor.config.patch({"cpp.cxx": (str(compiler),), "force_disable_caches": True}):
        function.warm_up(torch.ones(2))

    assert not function.is_compiled
    assert function.notice.startswith("Compiling failed, so training is slower")
    assert torch.equal(function(torch.ones(2)), torch.full((2,), 3.0).sin())


@pytest.mark.skipif(cxx() is None, reason="needs a C++ compiler, which this machine lacks")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, while it traces
@pytest.mark.filterwarnings("ignore:Can't find Python.h")  # as the test has it
def test_compiling_needs_no_headers_of_python(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    found = sysconfig.get_path

    def without(name: str, *args: str, **kwargs: str) -> str:
        return str(tmp_path) if name == "include" else found(name, *args, **kwargs)

    monkeypatch.setattr(sysconfig, "get_path", without)
    function = Compiled(lambda x: (3 * x + 2).sin(), enabled=True)

    function.warm_up(torch.ones(2))

    assert (function.is_compiled, function.notice) == (True, "")


def test_what_the_tracer_refuses_is_an_error_and_no_reason_to_train_uncompiled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CXX", sys.executable)  # is there; it is never come to

    def breaks_the_graph(x: torch.Tensor) -> torch.Tensor:
        torch._dynamo.graph_break()
        return 2 * x

    function = Compiled(breaks_the_graph, enabled=True)
    with pytest.raises(torch._dynamo.exc.Unsupported):
        function.warm_up(torch.ones(2))

    assert function.is_compiled


def test_an_error_of_the_mathematics_is_not_taken_for_the_compilers() -> None:
    def divides(x: int) -> float:
        return 1 / x

    with pytest.raises(ZeroDivisionError):
        Compiled(divides, enabled=False).warm_up(0)
