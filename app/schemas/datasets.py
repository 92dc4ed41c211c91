"""Data sources by name: what a config may ask for. `worker.science.data.datasets` loads them."""

from typing import NamedTuple


class DataSource(NamedTuple):
    """What is said of a source, in a few words and in a sentence."""

    name: str
    short: str
    explanation: str


INVENTED = (
    DataSource(
        "glyphs",
        "invented characters",
        "Invented characters in the manner of Omniglot, drawn from the dataset seed.",
    ),
    DataSource(
        "gaussian",
        "random vectors",
        "Random class vectors with noise within each class; no drawings.",
    ),
)
OWN = DataSource(
    "file:PATH",
    ".npz or .h5",
    "Your own features from a .npz or .h5 file that the worker can read.",
)

NAMES = ", ".join(source.name for source in INVENTED)
SHORT = f"{', '.join(f'{one.name} ({one.short})' for one in INVENTED)} or {OWN.name} ({OWN.short})."
LONGEST_NAME = 4096  # as of a path on Linux
FILE = "file:"  # before the path of one's own
PATTERN = f"^({'|'.join(source.name for source in INVENTED)}|{FILE}.+)$"
