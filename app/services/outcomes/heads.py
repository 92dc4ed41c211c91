"""Small multiples: the strengths of all heads of every run at the same moment of its phase change.

Runs fall at different places; at their midpoints they can be laid beside each other. Each picture
is of the first measurement at or past that place. A run without one is shown as it is at its last
measurement, and says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.db import series as rows
from app.schemas.series import HEADS, HeadMeasure
from app.schemas.words import head_name, layer_name
from app.services.charts.heatmap import colours_of
from app.services.charts.panels import FOOT_HEIGHT, PanelCell, panel_title
from app.services.charts.style import INK, MUTED, Figure, axis_style, titled
from app.services.compare.comparison import Chosen
from app.services.outcomes.axes import figure_of, label, plain
from app.services.outcomes.outcomes import PLACES
from app.services.wording import short

LAST = "last"
MOMENTS = {**PLACES, LAST: "Last measurement"}
MEASURES_OF_HEADS = {measure.id: measure for measure in HEADS}
MOST_PICTURES = 24
# Pixels: above a picture, of a layer, at least of a picture; more where there is but one line.
HEAD, ROW, LOWEST, LOWEST_ALONE = 40, 26, 56, 130
BAR_LENGTH, NARROWEST = 190, 150  # and how wide a picture is at least, for its names
SIDES = {"l": 62, "r": 74}


@dataclass(frozen=True)
class HeadPicture:
    """The heads of a run at a place; `is_instead`: at its last, for it has no such place."""

    name: str
    sequences: int
    strengths: Sequence[Sequence[float]]
    is_instead: bool


@dataclass(frozen=True)
class HeadPictures:
    """What is drawn, of which moment, and how many runs are not."""

    measure: HeadMeasure
    moment: str
    pictures: Sequence[HeadPicture]
    left_out: int  # runs above those that are shown
    unmeasured: int  # runs of those that have nothing to show

    @property
    def instead(self) -> int:
        return sum(one.is_instead for one in self.pictures)


def read_pictures(
    session: Session, chosen: Chosen, measure: HeadMeasure, moment: str
) -> HeadPictures:
    """The heads of the first runs, each at its moment."""
    shown = chosen.runs[:MOST_PICTURES]
    ids = [one.run.id for one in shown]
    places = rows.last_places(session, ids)
    brackets = {} if moment == LAST else rows.brackets(session, ids, [moment])
    own = {run_id: known[moment][1] for run_id, known in brackets.items() if moment in known}
    found = rows.measured_at(session, places | own)
    pictures = [
        HeadPicture(
            name=one.run.name,
            sequences=found[one.run.id].sequences,
            strengths=getattr(found[one.run.id], measure.id),
            is_instead=moment != LAST and one.run.id not in own,
        )
        for one in shown
        if one.run.id in found
    ]
    left_out = len(chosen.runs) - len(shown)
    return HeadPictures(measure, moment, pictures, left_out, len(shown) - len(pictures))


def heads_figure(shown: HeadPictures, columns: int) -> Figure:
    """A small picture a run, all in one scale of colours."""
    count = max(1, len(shown.pictures))
    columns = min(columns, count)
    lines = math.ceil(count / columns)
    layers = max((len(one.strengths) for one in shown.pictures), default=1)
    panel = max(LOWEST if lines > 1 else LOWEST_ALONE, ROW * layers)
    height = lines * (panel + HEAD) + FOOT_HEIGHT
    bar = min(BAR_LENGTH, height - HEAD - FOOT_HEIGHT)
    axes: dict[str, Any] = {}
    for number, one in enumerate(shown.pictures):
        cell = PanelCell(number, columns, lines, height, count, panel=panel, head=HEAD)
        axes |= _axes(one, _name(number), cell)
    numbered = list(enumerate(shown.pictures))
    return figure_of(
        [_picture(shown.measure, one, _name(number), bar) for number, one in numbered],
        margin=SIDES | {"t": HEAD, "b": FOOT_HEIGHT},
        annotations=[note for number, one in numbered for note in _titles(shown, one, number)],
        meta={"height": height, "width": SIDES["l"] + SIDES["r"] + NARROWEST * columns},
        **axes,
    )


def _name(number: int) -> str:
    """What the axes of a picture are called: `x`, `x2`, `x3`, without the letter."""
    return "" if number == 0 else str(number + 1)


def _picture(measure: HeadMeasure, one: HeadPicture, name: str, bar: int) -> dict[str, Any]:
    return {
        "type": "heatmap",
        "name": one.name,
        "z": [[_plotted(number) for number in heads] for heads in one.strengths],
        "text": [
            [head_name(layer, head) for head in range(len(heads))]
            for layer, heads in enumerate(one.strengths)
        ],
        "hovertemplate": f"<b>{plain(one.name)}</b><br>%{{text}}: %{{z:.3f}}<extra></extra>",
        "zmin": measure.lowest,
        "zmax": measure.highest,
        "zsmooth": False,
        "xgap": 1,
        "ygap": 1,
        **_colours(measure, bar),
        "showscale": not name,
        "xaxis": f"x{name}",
        "yaxis": f"y{name}",
        "meta": {},
        "uid": f"heads{name}",
    }


def _colours(measure: HeadMeasure, bar: int) -> dict[str, Any]:
    """One bar for all pictures, as high as one can take in at once."""
    colours = colours_of(measure, {"size": 11, "color": MUTED})
    long = {"lenmode": "pixels", "len": bar, "y": 1, "yanchor": "top"}
    return colours | {"colorbar": colours["colorbar"] | long}


def _plotted(number: float) -> float | None:
    return round(number, 4) if math.isfinite(number) else None


def _axes(one: HeadPicture, name: str, cell: PanelCell) -> dict[str, Any]:
    """Heads from left to right, layers from the tokens up."""
    layers, heads = len(one.strengths), len(one.strengths[0])
    bare = {"showgrid": False, "ticks": "", "fixedrange": True}
    xaxis = axis_style() | bare | {"domain": cell.across, "anchor": f"y{name}"}
    xaxis |= {"range": [-0.5, heads - 0.5], "dtick": math.ceil(heads / 8)}
    xaxis = titled(xaxis, "head", showticklabels=True) if cell.is_lowest else _silent(xaxis)
    yaxis = axis_style() | bare | {"domain": cell.down, "anchor": f"x{name}"}
    yaxis |= {"range": [-0.5, layers - 0.5]}
    names = {
        "tickvals": list(range(layers)),
        "ticktext": [layer_name(layer) for layer in range(layers)],
    }
    yaxis = yaxis | names if cell.is_left else _silent(yaxis)
    return {f"xaxis{name}": xaxis, f"yaxis{name}": yaxis}


def _silent(axis: dict[str, Any]) -> dict[str, Any]:
    return axis | {"showticklabels": False}


def _titles(shown: HeadPictures, one: HeadPicture, number: int) -> list[dict[str, Any]]:
    """The name of a run, and where its picture was taken."""
    name = _name(number)
    where = f"at {short(one.sequences)}"
    if one.is_instead:
        where = f"no {PLACES[shown.moment].lower()}: last, {where}"
    return [
        _title(name, label(one.name), 15, INK),
        _title(name, where, 1, MUTED) | {"name": "instead" if one.is_instead else "place"},
    ]


def _title(axes: str, text: str, up: int, ink: str) -> dict[str, Any]:
    font = {"size": 11, "color": ink}
    return panel_title(text, axes) | {"yshift": up, "font": font}
