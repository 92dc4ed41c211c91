"""Tools that need no service: train, evaluate clamps on given sequences, replay given batches.

Arrays come and go as `.npz` files. What is wrong with an input is a ValueError whose sentence names
the file, the array and what would be right.
"""

import sys


def say(line: str) -> None:
    """To the terminal."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
