"""The command: what is checked, what is timed, and how it is told."""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from worker.bench.clamps import PROGRAMS
from worker.bench.gpucheck.equality import check_program
from worker.bench.gpucheck.speed import time_cohort, time_paper
from worker.bench.limits import bandwidth, launch_microseconds, matmul_peak
from worker.offline import say
from worker.science.machine.devices import choose_device, describe_device, use

EQUALITY_SHARE, COHORT_SHARE = 0.4, 0.7  # of the time, by when each part ends


def gpucheck(given: argparse.Namespace) -> None:
    """Checks and times what the time suffices for. Raises ValueError if something is wrong."""
    device, begun = choose_device(given.device), time.monotonic()
    use(device)
    result: dict[str, Any] = {"machine": _machine(device), "limits": _limits(device)}
    for name, value in (*result["machine"].items(), *result["limits"].items()):
        say(f"{name:>28}  {value}")
    seconds: float = 60 * given.minutes

    def has_time(share: float) -> bool:
        return time.monotonic() - begun < share * seconds

    result["equality"] = _equality(given, device, has_time)
    _write(given.out, result)
    result["cohorts"] = _cohorts(given, device, has_time)
    _write(given.out, result)
    if has_time(COHORT_SHARE) and given.fraction:
        until = begun + seconds
        result["paper"] = time_paper(
            given.fraction, device, compile=not given.no_compile, until=until
        )
        say(_paper_line(result["paper"]))
    _write(given.out, result)
    wrong = [name for name, one in result["equality"].items() if not one["is_right"]]
    if wrong:
        raise ValueError(f"training differs on {describe_device(device)}: {', '.join(wrong)}")


def _equality(
    given: argparse.Namespace, device: torch.device, has_time: Callable[[float], bool]
) -> dict[str, Any]:
    """Programs, as many as there is time for; one at least."""
    found: dict[str, Any] = {}
    for name, (program, _) in PROGRAMS.items():
        if found and not has_time(EQUALITY_SHARE):
            say(f"{len(PROGRAMS) - len(found)} further programs: no time is left for them")
            break
        one = found[name] = check_program(program, device, compile=not given.no_compile)
        say(
            f"{name:>28}  {'right' if one['is_right'] else 'WRONG'}: loss within "
            f"{one['loss_difference']:.1e} nats, parameters within "
            f"{one['parameter_difference']:.1e} of the way, "
            f"{'repeats' if one['repeats'] else 'DOES NOT REPEAT'} and "
            f"{'resumes' if one['resumes'] else 'DOES NOT RESUME'} bit for bit"
        )
    return found


def _cohorts(
    given: argparse.Namespace, device: torch.device, has_time: Callable[[float], bool]
) -> list[Any]:
    found: list[Any] = []
    for size in given.cohorts:
        if not has_time(COHORT_SHARE):
            say(f"cohorts of {size} and more: no time is left for them")
            break
        one = time_cohort(size, device, compile=not given.no_compile)
        found.append(one)
        memory = f", {one['peak_megabytes']} MB" if one["peak_megabytes"] else ""
        say(
            f"{size:>23} runs  {one['update_microseconds']:>9,.1f} us an update, "
            f"{one['training_sequences_per_second']:>10,} sequences/s training alone, "
            f"{one['sequences_per_second']:>10,} recorded, "
            f"started in {one['start_seconds']:.1f} s{memory}"
        )
    return found


def _paper_line(paper: dict[str, Any]) -> str:
    return (
        f"{paper['runs']} of the paper's {paper['of']} main runs, {paper['fraction']:g} of each, "
        f"{paper['programs']} programs: {paper['training_seconds']} s of training and "
        f"{paper['start_seconds']} s to start; all of it {paper['projected_seconds']} s"
    )


def _machine(device: torch.device) -> dict[str, Any]:
    return {
        "device": describe_device(device),
        "processor": platform.processor() or platform.machine(),
        "torch": torch.__version__,
        "CUDA": torch.version.cuda,
        "python": sys.version.split()[0],
    }


def _limits(device: torch.device) -> dict[str, float]:
    return {
        "matrix products (GFLOP/s)": round(matmul_peak(device)),
        "memory (GB/s)": round(bandwidth(device)),
        "start of a kernel (us)": round(launch_microseconds(device), 2),
    }


def _write(path: Path | None, result: dict[str, Any]) -> None:
    """After each part: a machine that is lent may be taken back."""
    if path is not None:
        path.write_text(json.dumps(result, indent=2) + "\n")
