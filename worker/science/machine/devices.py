"""What a cohort is trained on: this machine's processor, or one of its graphics processors."""

import torch

CPU = torch.device("cpu")


def choose_device(wanted: str) -> torch.device:
    """`auto` (a graphics processor where there is one), `cpu`, `cuda` or `cuda:1`.

    Raises ValueError, saying what there is, for what cannot be had.
    """
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        return torch.device("cuda:0") if there else CPU
    if wanted == "cpu":
        return CPU
    kind, _, number = wanted.partition(":")
    if kind != "cuda" or not (number or "0").isdecimal():
        raise ValueError(f"{wanted!r} is no device: write auto, cpu, cuda or, say, cuda:1")
    if int(number or 0) >= there:
        has = f"{there} such device{'' if there == 1 else 's'}" if there else "none"
        raise ValueError(f"{wanted} cannot be had: torch {torch.__version__} finds {has}")
    return torch.device(f"cuda:{int(number or 0)}")


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
