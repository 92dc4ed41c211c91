"""Parallel coordinates: every run a line through its settings and outcomes, each on an axis of its
own from its least value to its greatest.

Drawn as lines in one plane, for the build of Plotly that is shipped has no such trace. Lines of
one colour are one trace, with gaps between runs: hundreds of traces would be slow.
"""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from app.services.charts.style import CARD, INK, MUTED, Figure
from app.services.outcomes.axes import figure_of, plain, value_said, value_short, written
from app.services.outcomes.outcomes import Outcomes
from app.services.outcomes.quantities import Quantity
from app.services.outcomes.scatter import MANY, DrawnRun, run_keys

SHOWN = (
    "onset",
    "midpoint",
    "end",
    "final_loss.train",
    "final_loss.new_classes",
    "strongest_induction",
    "strongest_previous_token",
)
MOST_SETTINGS = 6
HEIGHT, TITLE_HEIGHT, FOOT_HEIGHT, AXIS_WIDTH = 340, 78, 34, 104  # pixels
ASIDE, LETTER = 54, 5.6  # pixels: beside the outer axes, and of a letter at the widest on average
LONGEST_LINE, MOST_NAMED = 15, 6  # characters of a title's line, words along an axis
GROUND = {"bgcolor": CARD, "opacity": 0.9}  # of labels that lines run behind
# The line of the run under the pointer, which the page fills in: points of a run are `meta.each`.
POINTED_AT = {
    "type": "scatter",
    "mode": "lines",
    "x": [],
    "y": [],
    "line": {"color": INK, "width": 3},
    "hoverinfo": "skip",
    "cliponaxis": False,
    "showlegend": False,
    "meta": {"is_ink": True},
    "uid": "pointed-at",
}
EDGE = 0.04  # around all of it: the pointer finds no points where the plane ends
NONE = -0.17  # where lines pass that have no value, below all others


def parallel_quantities(outcomes: Outcomes) -> list[Quantity]:
    """Settings that are no seeds, and outcomes that any run has."""
    settings = [one for one in outcomes.settings if not one.id.startswith("seeds.")]
    results = [one for one in outcomes.results if one.id in SHOWN and one.known]
    return [*settings[:MOST_SETTINGS], *results]


def parallel_figure(axes: Sequence[Quantity], runs: Sequence[DrawnRun]) -> Figure:
    """A line for every run."""
    has_none = any(one.missing for one in axes)
    plane = {"zeroline": False, "showgrid": False, "showticklabels": False}
    plane |= {"showline": False, "fixedrange": True}
    return figure_of(
        [*_lines(axes, runs), *run_keys(runs), POINTED_AT],
        margin={"l": ASIDE, "r": ASIDE, "t": TITLE_HEIGHT, "b": FOOT_HEIGHT},
        xaxis=plane | {"range": [-EDGE, max(1, len(axes) - 1) + EDGE]},
        yaxis=plane | {"range": [(NONE if has_none else 0) - EDGE, 1 + EDGE]},
        shapes=[_axis_line(place) for place in range(len(axes))],
        annotations=[note for place, one in enumerate(axes) for note in _labels(place, one)],
        meta={"height": HEIGHT, "width": AXIS_WIDTH * len(axes), "each": len(axes) + 1},
    )


def _lines(axes: Sequence[Quantity], runs: Sequence[DrawnRun]) -> Iterator[dict[str, Any]]:
    shares = [_shares(one) for one in axes]
    for hue in dict.fromkeys(run.hue for run in runs):
        xs: list[int | None] = []
        ys: list[float | None] = []
        texts: list[str] = []
        for number, run in enumerate(runs):
            if run.hue == hue:
                xs += [*range(len(axes)), None]
                ys += [*(column[number] for column in shares), None]
                texts += [*(_said(one, run, number) for one in axes), ""]
        yield _trace(hue, xs, ys, texts, is_many=len(runs) > MANY)


def _trace(
    hue: str,
    xs: Sequence[int | None],
    ys: Sequence[float | None],
    texts: Sequence[str],
    *,
    is_many: bool,
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": xs,
        "y": ys,
        "text": texts,
        "hovertemplate": "%{text}<extra></extra>",
        "line": {"color": hue, "width": 1 if is_many else 1.6},
        "marker": {"color": hue, "size": 4 if is_many else 6},
        "opacity": 0.5 if is_many else 0.85,
        "cliponaxis": False,
        "showlegend": False,
        "meta": {},
        "uid": f"lines-{hue.removeprefix('#')}",  # a class of the picture's elements: without signs
    }


def _said(one: Quantity, run: DrawnRun, number: int) -> str:
    said = value_said(one, one.values[number])
    reason = f" ({one.missing[number]})" if number in one.missing else ""
    return f"<b>{plain(run.name)}</b><br>{plain(f'{one.title}: {said}{reason}')}"


def _shares(one: Quantity) -> list[float]:
    """How far up its axis each run is; on a log axis by powers."""
    numbers = [None if number is None else written(one, number) for number in one.numbers]
    known = [number for number in numbers if number is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    return [NONE if number is None else _share(number, low, high) for number in numbers]


def _share(number: float, low: float, high: float) -> float:
    return 0.5 if high == low else (number - low) / (high - low)


def _axis_line(place: int) -> dict[str, Any]:
    line = {"color": MUTED, "width": 1}
    where = {"x0": place, "x1": place, "y0": 0, "y1": 1}
    return {"type": "line", "name": "axis", "layer": "below", "line": line} | where


def _labels(place: int, one: Quantity) -> Iterator[dict[str, Any]]:
    title = "<br>".join(textwrap.wrap(plain(one.axis_title), LONGEST_LINE))
    above = {"yanchor": "bottom", "yshift": 22}
    yield _note(place, 1, f"<b>{title}</b>") | above | {"name": "panel"}
    for share, text in _named(one):
        yield _note(place, share, text) | _beside(share) | _within(place, share, text) | GROUND
    if one.missing:
        yield _note(place, NONE, "none") | {"xanchor": "left", "xshift": 6} | GROUND


def _named(one: Quantity) -> list[tuple[float, str]]:
    """The least and the greatest value; of few words all."""
    known = sorted(set(one.known))
    if not one.order or len(known) > MOST_NAMED:
        known = list(dict.fromkeys((known[0], known[-1])))
    low, high = (written(one, known[place]) for place in (0, -1))
    return [(_share(written(one, number), low, high), value_short(one, number)) for number in known]


def _beside(share: float) -> dict[str, Any]:
    """Above the top, below the foot, to the right of what lies between."""
    if share == 1:
        return {"yanchor": "bottom", "yshift": 4}
    if share == 0:
        return {"yanchor": "top", "yshift": -4}
    return {"xanchor": "left", "xshift": 6}


def _within(place: int, share: float, text: str) -> dict[str, Any]:
    """Long words about the first axis begin at the edge, where their middle would push them out."""
    is_out = place == 0 and share in (0, 1) and len(text) * LETTER > 2 * ASIDE
    return {"xanchor": "left", "xshift": -ASIDE} if is_out else {}


def _note(place: int, share: float, text: str) -> dict[str, Any]:
    return {
        "text": text,
        "name": "value",
        "x": place,
        "y": share,
        "showarrow": False,
        "font": {"size": 11, "color": INK},
    }
