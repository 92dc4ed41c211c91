"""What a cohort is trained on: this machine's processor, or one of its graphics processors."""

import os

import torch

CPU = torch.device("cpu")


def choose_device(wanted: str) -> torch.device:
    """`auto` (a graphics processor that torch can use, where there is one) or `auto:1` (the second,
    if it can be used), `cpu`, `cuda` or `cuda:1`.

    Raises ValueError, saying what there is, for what cannot be had.
    """
    kind, _, number = wanted.partition(":")
    if kind == "auto" and (number or "0").isdecimal():
        found = int(number or 0)
        return torch.device(f"cuda:{found}") if _is_there(found) and not gpu_fault(found) else CPU
    if wanted == "cpu":
        return CPU
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if kind != "cuda" or not (number or "0").isdecimal():
        raise ValueError(f"{wanted!r} is no device: write auto, cpu, cuda or, say, cuda:1")
    if int(number or 0) >= there:
        has = f"{there} such device{'' if there == 1 else 's'}" if there else "none"
        raise ValueError(f"{wanted} cannot be had: torch {torch.__version__} finds {has}")
    return torch.device(f"cuda:{int(number or 0)}")


def _is_there(number: int) -> bool:
    return torch.cuda.is_available() and number < torch.cuda.device_count()


def gpu_fault(number: int) -> str:
    """Why torch cannot compute on a GPU, in torch's own words: its driver is too old, or it is too
    old itself for what torch was built for. Empty if it can."""
    try:
        torch.ones(1, device=f"cuda:{number}").add_(1).item()
    except (RuntimeError, AssertionError) as error:  # asserted by builds that know no GPU
        return f"{str(error).strip().partition(chr(10))[0].rstrip('.')}."
    return ""


def use(device: torch.device) -> None:
    """Makes it the one that this process computes on, in a way that repeats itself bit for bit."""
    if device.type != "cuda":
        return
    # Streams, captures and libraries go to the current device where none is named.
    torch.cuda.set_device(device)
    # Gradients of rows that are looked up are summed in whatever order threads come, else; and
    # cuBLAS picks its workspace by what else goes on. Of what has no other way, torch warns.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)


def allow_tf32(allowed: bool) -> None:
    """Whether matrix products of a graphics processor may round their factors to 10 bits."""
    torch.set_float32_matmul_precision("high" if allowed else "highest")


def settle(device: torch.device) -> None:
    """Waits until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def describe_device(device: torch.device) -> str:
    """`CPU, 2 threads`; `NVIDIA H200, float32`, or `tf32` where products are allowed to be."""
    if device.type == "cpu":
        threads = torch.get_num_threads()
        return f"CPU, {threads} thread{'' if threads == 1 else 's'}"
    precision = "float32" if torch.get_float32_matmul_precision() == "highest" else "tf32"
    return f"{torch.cuda.get_device_name(device)}, {precision}"
