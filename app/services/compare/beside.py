"""Two compared runs side by side: the circuit and the attention of both, at one place of one time
line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.db import series
from app.schemas.measure import Measurement
from app.schemas.state import TERMINAL
from app.services.charts.style import head_hue
from app.services.charts.timeline import HEIGHT, WIDTH, TimelineDrawing, area_below, loss_line
from app.services.clamps.lit_model import LitModel, lit_model
from app.services.compare.comparison import Chosen
from app.services.compare.series import ComparedRun
from app.services.runs.run_read import phase_change_of
from app.services.series.measurements import read_measurements

MAP_COLUMNS = 8  # heads of a layer beside each other


@dataclass(frozen=True)
class BesideRun:
    """One of the two: its loss as a drawing, and its heads."""

    id: str
    name: str
    colour: str
    line: str
    area: str
    grid: LitModel
    columns: int


@dataclass(frozen=True)
class Beside:
    """Context of the section; `data` is for its script."""

    runs: Sequence[BesideRun]
    data: Sequence[Mapping[str, Any]]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class _Shown:
    """What is known of one of them."""

    one: ComparedRun
    rows: Sequence[Measurement]
    frames: Sequence[int]

    @property
    def end(self) -> int:
        """How far it was trained, in sequences."""
        return max([1, *self.frames[-1:], *(row.sequences for row in self.rows[-1:])])

    @property
    def is_going(self) -> bool:
        return self.one.run.state not in TERMINAL


def beside_of(session: Session, chosen: Chosen, hues: Mapping[str, str]) -> Beside | None:
    """Of exactly two runs that both have frames, or may yet have some."""
    if len(chosen.runs) != 2:
        return None
    shown = [_read(session, one) for one in chosen.runs]
    if not all(one.frames or one.is_going for one in shown):
        return None
    found = [loss_line(one.rows, one.end)[1] for one in shown]
    most = max((one for one in found if one is not None), default=None)  # one scale for both
    told = [_told(one) | {"line": _LINE | {"most": most}} for one in shown]
    return Beside([_run(one, hues, most) for one in shown], told)


# How losses are drawn on, once more come live; `series`: which of a measurement's.
_LINE = {
    "top": TimelineDrawing.top,
    "bottom": TimelineDrawing.bottom,
    "series": TimelineDrawing.series,
}


def _read(session: Session, one: ComparedRun) -> _Shown:
    rows, _ = read_measurements(session, one.run, one.config)
    return _Shown(one, rows, series.frame_sequences(session, one.run.id))


def _run(shown: _Shown, hues: Mapping[str, str], most: float | None) -> BesideRun:
    line, _ = loss_line(shown.rows, shown.end, most)
    run, config = shown.one.run, shown.one.config
    return BesideRun(
        id=run.id,
        name=run.name,
        colour=hues[run.id],
        line=line,
        area=area_below(line),
        grid=lit_model(config.program, config.model),
        columns=min(config.model.heads, MAP_COLUMNS),
    )


def _told(shown: _Shown) -> dict[str, Any]:
    change, model = phase_change_of(shown.one.run), shown.one.config.model
    return {
        "id": shown.one.run.id,
        "name": shown.one.run.name,
        "url": f"/api/v1/runs/{shown.one.run.id}",
        "end": shown.end,
        "change": {name: getattr(change, name) for name in ("onset", "midpoint", "end")},
        "frames": list(shown.frames),
        "layers": model.layers,
        "hues": [head_hue(head) for head in range(model.heads)],
    }
