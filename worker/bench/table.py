"""Figures as lines for a terminal."""

from collections.abc import Mapping
from typing import Any

from worker.bench.turns import Turns

BUSY = 0.2  # of the time without a core, from which on a machine did other things


def round_line(turns: Turns) -> str:
    """The speeds of the round that has just ended."""
    parts = [f"{laps[True][-1].speed:,.0f} {_runs(size)}" for size, laps in turns.sizes.items()]
    if turns.baseline[True]:
        parts.insert(0, f"{turns.baseline[True][-1].speed:,.0f} the baseline")
    return f"round {turns.rounds}: sequences/s end to end: {', '.join(parts)}"


def size_lines(size: int, found: Mapping[str, Any]) -> list[str]:
    """All that is known of a size."""
    of = found["cohorts"][str(size)]
    shares = of["shares_of_time"]
    bound = max(shares, key=shares.__getitem__)
    split = ", ".join(f"{share:.0%} {name}" for name, share in shares.items())
    lines = [
        f"{_runs(size)}: {of['sequences_per_second']:,} sequences/s end to end"
        + _times(size, "end_to_end", found),
        f"    {of['training_sequences_per_second']:,} training alone"
        + _times(size, "training", found),
        f"    {_cost(of)} per million sequences" + _baseline_cost(found),
        f"    {of['gflops']:.0f} GFLOP/s, {of['share_of_matmul_peak']:.0%} of what its cores reach "
        f"in matrix products{_by_cpu(of)}; {of['peak_megabytes_per_trainer']} MB a trainer",
        f"    of the time: {split}; so it is bound by {bound}",
    ]
    if shares["waiting for a core"] > BUSY:
        lines.append("    this machine did other things meanwhile: figures by CPU time say more")
    return lines


def _runs(size: int) -> str:
    return f"{size} run{'' if size == 1 else 's'}"


def _times(size: int, part: str, found: Mapping[str, Any]) -> str:
    """Against the baseline, with the least and the most of the rounds."""
    if "times_baseline" not in found:
        return ""
    ratio, (least, most), cpu = (
        found[name][str(size)][part]
        for name in ("times_baseline", "times_baseline_spread", "times_baseline_by_cpu_time")
    )
    by_cpu = f"; {cpu:.1f} by CPU time" if cpu else ""
    return f", {ratio:.1f} times the baseline ({least:.1f} to {most:.1f}{by_cpu})"


def _by_cpu(of: Mapping[str, Any]) -> str:
    share = of["share_of_matmul_peak_by_cpu_time"]
    return "" if share is None else f" ({share:.0%} by CPU time)"


def _cost(of: Mapping[str, float]) -> str:
    cpu = of["cpu_seconds_per_million"]
    return f"{of['seconds_per_million']:.1f} s" + (f" and {cpu:.1f} CPU seconds" if cpu else "")


def _baseline_cost(found: Mapping[str, Any]) -> str:
    return f"; the baseline {_cost(found['baseline'])}" if "baseline" in found else ""
