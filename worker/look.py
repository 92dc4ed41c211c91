"""`python -m worker.look FILE`: what a data file holds and whether it is sound, as a line of JSON.

A process of its own, without torch and with little memory: whatever is in the file, neither a
trainer nor a server is harmed by it.
"""

import json
import os
import resource
import sys
from contextlib import suppress

MOST_MEMORY = 300_000_000  # bytes


def main(path: str) -> None:
    """Prints what the file is, or why it is refused."""
    with suppress(ValueError, OSError):  # not every system knows this limit
        resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, MOST_MEMORY))
    # Loaded below the limit, and with no more threads than are needed: each takes some of it.
    os.environ["OPENBLAS_NUM_THREADS"] = "1"
    sys.stdout.write(json.dumps(_answer(path)) + "\n")


def _answer(path: str) -> dict[str, object]:
    from worker.science.data.files.declared import DataFileError

    try:
        return _looked_at(path)
    except DataFileError as error:
        return {"refused": str(error)}
    except MemoryError:
        return {"refused": f"{path}: reading it takes too much memory"}


def _looked_at(path: str) -> dict[str, object]:
    from worker.science.data.files.reading import identity_of, open_data_file

    with open_data_file(path) as file:
        classes, exemplars, _ = file.features.of_classes
        file.names()
        file.thumbnails()
        file.check_finite()
        return {"sha256": identity_of(path), "classes": classes, "exemplars": exemplars}


if __name__ == "__main__":
    main(sys.argv[1])
