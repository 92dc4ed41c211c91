"""The colour of a run: derived from its id unless somebody chose another, and among the runs of one
view one that no other has.

The hues were searched for: of calm ones that stand out from light and dark grounds alike, and that
are none of the three lights of clamps, the twelve that lie furthest apart as people see them with
protanopia, deuteranopia or neither.
"""

import hashlib
from collections.abc import Iterable
from math import dist

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


ALIKE = 60.0  # in RGB: closer ones are taken for the same in a legend


def distinct_colours(runs: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """The colours of the runs of one view, given as ids and chosen colours, in the view's order.

    A run begins with the colour of its id, and takes the next that is free where that is taken: by
    a chosen one, or by a run before it. So an address always shows the same colours, and a run that
    is added at its end changes none. Of more runs than there are colours as few as can be share
    one.
    """
    runs = list(runs)
    found = {run_id: chosen for run_id, chosen in runs if chosen is not None}
    used = [_nearest(chosen) for chosen in found.values()]
    for run_id, _ in runs:
        if run_id not in found:
            found[run_id] = _free(colour_of(run_id), used)
            used.append(found[run_id])
    return found


def _free(start: str, used: list[str]) -> str:
    """The colour of ours that is used least, the first of these from `start` on."""
    at = PALETTE.index(start)
    return min((*PALETTE[at:], *PALETTE[:at]), key=used.count)


def _nearest(chosen: str) -> str:
    """The colour of ours that a chosen one would be taken for; itself if there is none."""
    nearest = min(PALETTE, key=lambda ours: dist(_parts(ours), _parts(chosen)))
    return nearest if dist(_parts(nearest), _parts(chosen)) < ALIKE else chosen


def _parts(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour.removeprefix("#")))
