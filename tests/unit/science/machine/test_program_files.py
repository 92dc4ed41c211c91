"""What one process has compiled another one reads, if it is right; whatever is wrong with the file,
the program is compiled anew."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from worker.science.machine import program_files
from worker.science.machine.compiler import NO_COMPILER, Compiled, cxx
from worker.science.machine.program_files import Sizes, kept

pytestmark = [
    pytest.mark.skipif(cxx() is None, reason="needs a C++ compiler, which this machine lacks"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # torch's own, while it traces
]

WEIGHT, X = (
    torch.linspace(-0.1, 0.1, 64 * 64).view(64, 64),
    torch.linspace(0, 1, 64 * 32).view(64, 32),
)
SIZES = Sizes.of((WEIGHT, X))
# In a process of its own, which has no compiler, and is not to load torch's.
ELSEWHERE = """
import sys, torch
from tests.unit.science.machine.test_program_files import WEIGHT, X, function
torch.set_num_threads(1)
made = function()
with torch.no_grad():
    y, z = made(WEIGHT, X)
loaded = "torch._inductor" in sys.modules
print(made.is_compiled, repr(made.notice), loaded, y.double().sum().item(), z.double().sum().item())
"""


def update(weight: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
    """Kernels, products, and memory in between."""
    y = torch.tanh(weight @ x)
    return (weight @ y.cos()).exp(), (y @ x.mT).sin()


def function() -> Compiled[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    return Compiled(update, enabled=True, name="an update of a test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the program is kept, and nothing else."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture(autouse=True)
def _here(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(program_files, "compiled_folder", lambda: folder / "optoscope")
    with torch.no_grad():
        yield


@pytest.fixture
def file(folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file of the program, of which every test has its own."""
    if not (folder / "optoscope").exists():
        function().warm_up(WEIGHT, X)
    (file,) = (folder / "optoscope").iterdir()
    own = tmp_path / "optoscope" / file.name
    own.parent.mkdir()
    own.write_bytes(file.read_bytes())
    monkeypatch.setattr(program_files, "compiled_folder", lambda: own.parent)
    return own


def test_another_process_makes_the_same_without_any_compiler(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    y, z = function()(WEIGHT, X)
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(file.parents[1]))

    done = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, text=True)

    said = f"True '' False {y.double().sum().item()} {z.double().sum().item()}\n"
    assert (done.stdout, done.stderr) == (said, "")


def test_a_program_without_a_file_needs_a_compiler(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    made = function()

    made(WEIGHT, X)
    assert (made.is_compiled, made.notice) == (True, "")
    wider = made(WEIGHT, torch.ones(64, 33))

    assert (made.is_compiled, made.notice) == (False, NO_COMPILER)
    torch.testing.assert_close(wider, update(WEIGHT, torch.ones(64, 33)))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: data[:-1],
        lambda data: data[:5000] + b"?" + data[5001:],
        lambda data: data + b"?",
    ],
    ids=["empty", "cut off", "another byte", "a byte more"],
)
def test_a_file_that_is_not_whole_is_none(file: Path, spoil) -> None:
    assert kept("an update of a test", SIZES) is not None

    file.write_bytes(spoil(file.read_bytes()))

    assert kept("an update of a test", SIZES) is None


def test_a_program_that_does_not_make_here_what_it_made_there_is_none(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of a processor, or a library of products, that only says that it is the same."""
    monkeypatch.setattr(program_files, "_proof", lambda program, sizes: "others")

    assert kept("an update of a test", SIZES) is None


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("torch.__version__", "2.99.0"),
        ("torch.get_num_threads", lambda: 2),
        ("worker.science.machine.processor.processor", lambda: "another"),
        ("worker.science.machine.processor.is_onednn_faster", lambda: None),
        ("worker.science.machine.program_files._sources", lambda: "others"),
    ],
)
def test_a_file_is_for_one_torch_one_machine_and_one_science(
    file: Path, monkeypatch: pytest.MonkeyPatch, what: str, value: object
) -> None:
    monkeypatch.setattr(what, value)

    assert kept("an update of a test", SIZES) is None


def test_a_file_is_for_one_function_and_its_sizes(file: Path) -> None:
    assert kept("another", SIZES) is None
    assert kept("an update of a test", Sizes.of((WEIGHT, X.double()))) is None
    assert kept("an update of a test", Sizes.of((WEIGHT, X.mT.contiguous().mT))) is None
    assert Sizes.of((WEIGHT, WEIGHT)) != Sizes.of((WEIGHT, WEIGHT.clone()))


def test_all_that_the_science_imports_of_ours_counts() -> None:
    """A clamp that is understood in another way is another program."""
    program = "import sys, worker.science.training.loop; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    ours = {name for name in loaded if name.startswith(("app.", "worker."))}

    packages = ("app.schemas", "worker.science")
    assert {name for name in ours if not name.startswith(packages)} == set()


def test_a_source_that_changes_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "model.py").write_text("one = 1\n")
    monkeypatch.setattr(program_files, "_SOURCES", (tmp_path,))
    before = program_files._sources.__wrapped__()

    (tmp_path / "deeper" / "model.py").write_text("one = 2\n")

    assert program_files._sources.__wrapped__() != before


def test_where_nothing_can_be_written_it_is_compiled_each_time(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(program_files, "compiled_folder", lambda: tmp_path / "file" / "optoscope")
    made = function()

    made.warm_up(WEIGHT, X)

    assert (made.is_compiled, made.notice) == (True, "")
    torch.testing.assert_close(made(WEIGHT, X), update(WEIGHT, X))
