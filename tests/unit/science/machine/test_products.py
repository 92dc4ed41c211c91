"""Wide products go to oneDNN, small ones and those with gaps do not, and all say the same."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from worker.science.machine import processor
from worker.science.machine.compiler import Compiled
from worker.science.machine.processor import is_onednn_faster

# torch's own, while it compiles
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WEIGHT, WIDE = torch.randn(64, 64), torch.randn(64, 1000)


@pytest.fixture(autouse=True)
def _faster(monkeypatch: pytest.MonkeyPatch) -> None:
    """oneDNN is right on every processor, if not faster on every one."""
    monkeypatch.setattr(processor, "is_onednn_faster", lambda: True)


def _wide_calls(columns: Tensor) -> int:
    """How often a product of these columns, and its mapped form, were given to oneDNN."""

    def products(weight: Tensor, x: Tensor) -> tuple[Tensor, Tensor]:
        mapped = torch.func.vmap(lambda w, y: w @ y)(2 * weight[None], x[None])
        return weight @ x, mapped

    compiled = Compiled(products, enabled=True)
    compiled.warm_up(WEIGHT, columns)
    assert compiled.is_compiled, compiled.notice
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        plain, mapped = compiled(WEIGHT, columns)
    torch.testing.assert_close(plain, WEIGHT @ columns)
    torch.testing.assert_close(mapped[0], 2 * plain)
    calls = {event.key: event.count for event in seen.key_averages()}
    return calls.get("mkldnn::_linear_pointwise", 0)


def test_wide_products_are_given_to_onednn() -> None:
    assert _wide_calls(WIDE) == 2


@pytest.mark.parametrize("columns", [WIDE[:, :160].contiguous(), WIDE.repeat(1, 2)[:, 500:1500]])
def test_small_products_and_those_with_gaps_stay(columns: Tensor) -> None:
    assert _wide_calls(columns) == 0


@pytest.mark.parametrize(("maker", "faster"), [("AuthenticAMD", True), ("GenuineIntel", False)])
def test_onednn_is_for_processors_whose_vectors_mkl_leaves_idle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, maker: str, faster: bool
) -> None:
    (tmp_path / "cpuinfo").write_text(f"vendor_id\t: {maker}\n")
    monkeypatch.setattr(processor, "CPU_INFORMATION", tmp_path / "cpuinfo")
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")

    assert is_onednn_faster() is (faster and torch.backends.mkldnn.is_available())
