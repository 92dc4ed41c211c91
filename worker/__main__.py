"""`python -m worker`: training and benchmarks without the web server. See `--help`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from worker.faults import fault_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a subcommand; what is wrong with its input is one sentence and exit status 1."""
    given = _parser().parse_args(arguments)
    try:
        if given.command == "train":
            from worker.offline import train

            train(given)
        else:
            from worker.bench import bench

            bench(given)
    except (ValueError, OSError) as error:
        said = fault_of(error)[1] if isinstance(error, ValueError) else str(error)
        sys.stderr.write(f"{said}\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", help="train one run without any service")
    train.add_argument("config", type=Path, help="a run config as JSON; {} for the paper's")
    train.add_argument("--out", type=Path, required=True, help="folder for what it records")
    train.add_argument("--dataset", help="instead of the config's, for instance file:PATH.npz")
    train.add_argument("--initial-weights", type=Path, help="start from these, an .npz file")
    train.add_argument("--weights-prefix", default="", help="of their names in that file")
    train.add_argument("--threads", type=int, default=0, help="CPU threads; 0: chosen")
    train.add_argument("--no-compile", action="store_true", help="start at once, train slower")
    bench = commands.add_parser("bench", help="measure how fast this machine trains")
    bench.add_argument("--cohorts", default="1", help="cohort sizes; only 1 so far")
    bench.add_argument("--out", type=Path, help="where to write the figures as JSON")
    bench.add_argument("--sequences", type=int, default=500_000, help="per measured run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
