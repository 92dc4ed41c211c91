"""Trainings of the toy model as JSON and CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from app.toy.dynamics import ToyCurve, curves, lengths
from app.toy.settings import Clamped, ToySettings

SERIES = ("loss", "pm1", "pm2")


def document(
    settings: ToySettings, clampings: Sequence[Clamped], preset: str | None = None
) -> dict[str, Any]:
    """Settings, lengths of the vectors, and by what is clamped (`none`, `c`, `b,c`) the series
    before each update and after the last."""
    return {
        "preset": preset,
        "settings": settings.model_dump(),
        "lengths": lengths(settings),
        "curves": {one.name: _series(one) for one in curves(settings, clampings)},
    }


def _series(curve: ToyCurve) -> dict[str, Any]:
    diverged = {} if curve.diverged_at is None else {"diverged_at": curve.diverged_at}
    return {name: getattr(curve, name) for name in SERIES} | diverged


def table(found: Iterable[ToyCurve]) -> str:
    """CSV, a line an update: `updates`, then the series of each, empty once it diverged."""
    trained = list(found)
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    write(["updates", *(f"{name} ({one.name})" for one in trained for name in SERIES)])
    for update in range(max(len(one.loss) for one in trained)):
        columns = [getattr(one, name) for one in trained for name in SERIES]
        write([update, *(column[update] if update < len(column) else "" for column in columns)])
    return text.getvalue()
