"""The page of the toy model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from app.services.toy.figure import toy_figure
from app.toy.dynamics import ToyCurve, curves
from app.toy.published import PUBLISHED
from app.toy.settings import PRESETS, ToyQuery, ToySettings, name_of

CHOICES = ("none", "a", "b", "c", "a,b", "a,c", "b,c")
TITLES = {"fig5a": "Fig. 5a", "fig9": "Fig. 9"}


@dataclass(frozen=True)
class ToyField:
    """A number that can be set."""

    name: str
    label: str
    value: float
    least: float
    most: float
    step: float
    unit: str


@dataclass(frozen=True)
class ToyRow:
    """What became of a training."""

    name: str
    first: float
    last: float
    crossing: str
    said: str


@dataclass(frozen=True)
class ToyPart:
    """What follows from the settings."""

    rows: Sequence[ToyRow]
    deviation: str
    query: str
    page_data: dict[str, Any]


@dataclass(frozen=True)
class ToyPage(ToyPart):
    """Context of `toy/page.html`."""

    fields: Sequence[ToyField]
    choices: Sequence[tuple[str, str, bool]]
    presets: Sequence[tuple[str, str]]


def toy_part(asked: ToyQuery) -> ToyPart:
    """The trainings, their figure, and how far they are from the paper's."""
    settings, found = asked.settings, curves(asked.settings, asked.clampings)
    return ToyPart(
        rows=[_row(curve) for curve in found],
        deviation=_deviation(settings, found),
        query=query_of(asked),
        page_data={"figure": toy_figure(settings, found)},
    )


def toy_page(asked: ToyQuery) -> ToyPage:
    """Everything that the page shows."""
    part = toy_part(asked)
    return ToyPage(
        **vars(part),
        fields=_fields(asked),
        choices=[(one, _called(one), one in asked.clamp) for one in CHOICES],
        presets=[
            (TITLES[name], query_of(ToyQuery(clamp=tuple(name_of(one) for one in clampings))))
            for name, clampings in PRESETS.items()
        ],
    )


def query_of(asked: ToyQuery) -> str:
    """The settings as an address holds them; what is usual is left out."""
    own = {
        name: value
        for name, value in asked.settings.model_dump().items()
        if value != ToySettings.model_fields[name].default
    }
    return urlencode([*own.items(), *(("clamp", one) for one in asked.clamp)])


def _fields(asked: ToyQuery) -> list[ToyField]:
    return [
        ToyField("dimension", "Dimension", asked.dimension, 1, 100, 1, "of each vector"),
        ToyField("seed", "Seed", asked.seed, 0, 50, 1, ""),
        ToyField("learning_rate", "Learning rate", asked.learning_rate, 0.05, 5, 0.05, ""),
        ToyField("initial_scale", "Initial scale", asked.initial_scale, 0, 3, 0.05, "times"),
        ToyField("updates", "Updates", asked.updates, 50, 5000, 50, ""),
    ]


def _row(curve: ToyCurve) -> ToyRow:
    if curve.diverged_at is not None:
        said = f"diverges at update {curve.diverged_at}: lower the learning rate"
        return ToyRow(_called(curve.name), curve.loss[0], curve.loss[-1], "–", said)
    below = 0.01 * curve.loss[0]
    place = next((place for place, loss in enumerate(curve.loss) if loss < below), None)
    crossing = "–" if place is None else str(place)
    return ToyRow(_called(curve.name), curve.loss[0], curve.loss[-1], crossing, "")


def _deviation(settings: ToySettings, found: Sequence[ToyCurve]) -> str:
    """A sentence about the paper's numbers, where they are of the same settings."""
    if settings != ToySettings():
        return "The paper's numbers are of dimension 20, seed 1, rate 1: they are drawn there."
    apart = [
        abs(getattr(curve, series)[place] - number)
        for series, by_name in PUBLISHED.items()
        for curve in found
        for place, number in by_name.get(curve.name, {}).items()
    ]
    if not apart:
        return "The paper shows none of these."
    return (
        f"Rings are the paper's numbers: {len(apart)} of them, of which none is further than "
        f"{max(apart):.1g} from ours, as far as their digits tell."
    )


def _called(name: str) -> str:
    return "nothing" if name == "none" else name.replace(",", ", ")
