"""`python requirements/lock.py`: writes the lock files beside this one from pyproject.toml; with
`--upgrade` to the newest versions.

Each file has every package for every platform and Python that we support, in one version, with the
hashes of its files. The first has all; the others are parts of it. torch and what it runs GPUs with
are in none, see install.py.
"""

import re
import subprocess
import sys
from pathlib import Path

from install import found_uv

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
WITH_TORCH = re.compile(r"(torch|triton|cuda-|nvidia-)")
PARTS = {
    "dev": ("pyproject.toml", "--all-extras", "--group", "build"),
    "run": ("pyproject.toml", "--group", "build"),
    "web": ("--group", "web-image"),
    "worker": ("--group", "worker-image"),
    "build": ("--group", "build"),
}
HEADER = "# Written by `make lock` from pyproject.toml: {part}. torch is in torch.txt.\n"


def main(arguments: list[str]) -> int:
    """Writes all of them; the exit status."""
    upgrade = ["--upgrade"] if "--upgrade" in arguments else []
    known: list[str] = []
    for part, sources in PARTS.items():
        target = HERE / f"{part}.txt"
        lines = _resolve([*sources, *known, *([] if known else upgrade)], target)
        target.write_text(HEADER.format(part=" ".join(sources)) + "".join(_without_torch(lines)))
        known = ["--constraints", str(HERE / "dev.txt")]
    return 0


def _resolve(options: list[str], target: Path) -> list[str]:
    command = [
        found_uv(), "pip", "compile", *options, "--constraints", HERE / "torch.txt", "--universal",
        "--python-version", "3.11", "--generate-hashes", "--no-annotate", "--no-header", "--quiet",
        "--output-file", target,
    ]  # fmt: skip
    subprocess.run(command, cwd=ROOT, check=True)
    return target.read_text().splitlines(keepends=True)


def _without_torch(lines: list[str]) -> list[str]:
    """Each package is a line at the margin with its hashes below it."""
    kept, is_kept = [], True
    for line in lines:
        if not line[0].isspace():
            is_kept = not WITH_TORCH.match(line)
        if is_kept and not line.startswith("#"):
            kept.append(line)
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
