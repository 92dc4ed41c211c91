"""The colour of a run: one everywhere, derived from its id unless somebody chose another.

The hues are told apart by people with each of the common kinds of colour blindness, and stand out
from light and dark grounds alike. They are none of the three lights of clamps.
"""

import hashlib

PALETTE = (
    "#4477AA",
    "#EE6677",
    "#228833",
    "#AA9320",
    "#2A9DB5",
    "#B8458A",
    "#DD7733",
    "#777777",
    "#33998A",
    "#8A73B5",
    "#996633",
    "#CC6699",
)


def colour_of(run_id: str, chosen: str | None = None) -> str:
    """The run's colour as `#RRGGBB`: the one chosen for it, else one that follows from its id."""
    if chosen is not None:
        return chosen
    digest = hashlib.sha256(run_id.encode()).digest()
    return PALETTE[int.from_bytes(digest[:8], "big") % len(PALETTE)]
