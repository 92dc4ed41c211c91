"""Why a machine's GPU is not trained on, where the choice was left to us."""

import torch

from app.stack.gpus import gpus
from worker.science.machine.devices import CPU, choose_device, gpu_fault


def unused_gpu(wanted: str) -> str:
    """A sentence where `auto` takes the processor although there is a GPU; empty otherwise."""
    kind, _, number = wanted.partition(":")
    if kind != "auto" or choose_device(wanted) != CPU or len(gpus()) <= int(number or 0):
        return ""
    return (
        f"The GPU of this machine is not used, for torch {torch.__version__} cannot: "
        f"{gpu_fault(int(number or 0))} It trains on the processor."
    )
