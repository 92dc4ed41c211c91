"""Without a compiler a run of the default shape trains by the program that came along."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from worker.science.machine import program_files, shipped
from worker.science.machine.compiler import CAME_ALONG, NO_COMPILER, Compiled, cxx

pytestmark = [
    pytest.mark.skipif(cxx() is None, reason="needs a C++ compiler, which this machine lacks"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's own, while it traces
]

X = torch.linspace(-1, 1, 64 * 32).view(64, 32)


def curve(x: Tensor) -> Tensor:
    return (x @ x.mT).tanh().exp()


def another(x: Tensor) -> Tensor:
    return (x @ x.mT).tanh().exp() * 1.001


def made_of(function, name: str = "a curve of a test") -> Compiled[[Tensor], Tensor]:
    return Compiled(function, enabled=True, name=name)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The file of a program that came along."""
    folder = tmp_path_factory.mktemp("shipped")
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(program_files, "compiled_folder", lambda: folder / "kept")
        made = made_of(curve)
        made.warm_up(X)
        made.ship(folder)
    [file] = folder.glob("*.program")
    return file.read_bytes()


@pytest.fixture
def file(program: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Where it is on a machine that has no compiler, and has compiled nothing."""
    monkeypatch.setattr(program_files, "compiled_folder", lambda: tmp_path / "kept")
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    monkeypatch.setattr("worker.science.machine.compiler.cxx", lambda: None)
    file = tmp_path / shipped._file_name("a curve of a test", program_files.Sizes.of([X]))
    file.write_bytes(program)
    with torch.no_grad():
        yield file


def test_it_trains_by_that_and_says_so(file: Path) -> None:
    made = made_of(curve)

    y = made(X)

    assert (made.is_compiled, made.notice) == (True, CAME_ALONG)
    torch.testing.assert_close(y, curve(X))


def test_what_makes_something_else_here_is_not_used(file: Path) -> None:
    """As on a processor that understands an instruction in another way."""
    made = made_of(another)

    y = made(X)

    assert (made.is_compiled, made.notice) == (False, NO_COMPILER)
    torch.testing.assert_close(y, another(X))


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("torch.__version__", "2.99.0"),
        ("platform.machine", lambda: "aarch64"),
        ("platform.system", lambda: "Darwin"),
        ("torch.backends.cpu.get_cpu_capability", lambda: "DEFAULT"),
        ("worker.science.machine.program_files._sources", lambda: "others"),
    ],
)
def test_it_is_for_one_torch_and_common_processors(
    file: Path, monkeypatch: pytest.MonkeyPatch, what: str, value: object
) -> None:
    monkeypatch.setattr(what, value)
    made = made_of(curve)

    made(X)

    assert (made.is_compiled, made.notice) == (False, NO_COMPILER)


def test_a_file_that_was_cut_off_is_none(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])
    made = made_of(curve)

    made(X)

    assert (made.is_compiled, made.notice) == (False, NO_COMPILER)


def test_a_compiler_comes_first(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    made = made_of(curve, "")

    assert made._shipped(program_files.Sizes.of([X]), X) is None


TRAINS = """
import sys
from pathlib import Path
from worker.science.machine import shipped
shipped.FOLDER = Path(sys.argv[1])
from app.schemas.config import RunConfig
from worker.science.data.datasets import load_dataset
from worker.science.training.loop import Trainer
config = RunConfig()
trainer = Trainer([config], [load_dataset(config.task, config.seeds.dataset)])
trainer.warm_up()
trainer.train(20)
print(trainer.batch_loss.item(), *trainer.notices, sep="\\n")
"""


@pytest.mark.slow
def test_what_the_wheel_brings_along_trains_the_default_run(tmp_path: Path) -> None:
    programs, none = tmp_path / "programs", tmp_path / "none"
    command = [sys.executable, "-m", "worker.ship", programs]
    subprocess.run(command, check=True, capture_output=True)
    bare = {name: value for name, value in os.environ.items() if name not in {"PATH", "CXX"}}

    def trained(folder: Path) -> tuple[float, set[str]]:
        environment = bare | {"PATH": "", "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
        told = subprocess.run(
            [sys.executable, "-c", TRAINS, folder],
            env=environment,
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()
        return float(told[0]), set(told[1:])

    loss, notices = trained(programs)
    uncompiled, others = trained(none)

    assert (notices, others) == ({CAME_ALONG}, {NO_COMPILER})
    assert loss == pytest.approx(uncompiled, rel=1e-4)
    assert len(list(programs.iterdir())) == 2
