"""The colour of a run: one everywhere, derived from its id unless somebody chose another.

The hues were searched for: of calm ones that stand out from light and dark grounds alike, and that
are none of the three lights of clamps, the twelve that lie furthest apart as people see them with
protanopia, deuteranopia or neither.
"""

import hashlib

PALETTE = (
    "#4466CC",
    "#CC7777",
    "#119955",
    "#999922",
    "#BB4477",
    "#1199EE",
    "#BB6600",
    "#8866AA",
    "#227777",
    "#776644",
    "#BB77CC",
    "#779999",
)


def colour_of(run_id: str, chosen: str | None = None) -> str:
    """The run's colour as `#RRGGBB`: the one chosen for it, else one that follows from its id."""
    if chosen is not None:
        return chosen
    digest = hashlib.sha256(run_id.encode()).digest()
    return PALETTE[int.from_bytes(digest[:8], "big") % len(PALETTE)]
