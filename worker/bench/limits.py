"""What a machine could do at most: arithmetic, memory, and how long it takes to start a kernel."""

import time
from collections.abc import Callable

import torch

from worker.science.machine.devices import CPU, settle

KERNELS = 1000  # of a captured graph, to tell what one of them costs
BYTES = {"cpu": 2**26, "cuda": 2**28}  # of a copy: more than caches hold


def matmul_peak(device: torch.device = CPU, times: int = 20) -> float:
    """GFLOP/s of one core, or one GPU, in large matrix products, the best of three."""
    torch.set_num_threads(1)
    size = 1024 if device.type == "cpu" else 8192
    matrix = torch.randn(size, size, device=device)
    return 2 * size**3 / _seconds(lambda: matrix @ matrix, device, times) / 1e9


def bandwidth(device: torch.device = CPU) -> float:
    """GB/s, reading and writing, of one core or one GPU."""
    source = torch.ones(BYTES[device.type] // 4, device=device)
    target = torch.empty_like(source)
    return 2 * source.nbytes / _seconds(lambda: target.copy_(source), device, 20) / 1e9


def launch_microseconds(device: torch.device = CPU) -> float:
    """Of a kernel that does next to nothing: within a captured graph on a GPU, a call elsewhere."""
    small = torch.zeros(32, device=device)
    if device.type != "cuda":
        return 1e6 * _seconds(lambda: small.add_(1), device, KERNELS)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(KERNELS):
            small.add_(1)
    return 1e6 * _seconds(graph.replay, device, 20) / KERNELS


def _seconds(work: Callable[[], object], device: torch.device, times: int) -> float:
    """Of one of so many calls, the best of three. Of a processor, CPU time of its one thread: what
    else the machine does has no part in it."""
    clock = time.process_time if device.type == "cpu" else time.perf_counter
    best = float("inf")
    for _ in range(3):
        settle(device)
        begun = clock()
        for _ in range(times):
            work()
        settle(device)
        best = min(best, clock() - begun)
    return best / times
