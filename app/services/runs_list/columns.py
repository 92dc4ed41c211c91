"""Columns of the list of runs: what each is called, is sorted by and shows.

Besides what every run has there is a column for every option of a config (`training.learning_rate`)
and for every number that all models report (`loss.new_classes`): its latest, in the end its final
one, its extremes (`loss.new_classes.min`), and what it was at a place (`loss.new_classes@100000`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from pydantic.fields import FieldInfo
from sqlalchemy import (
    ColumnElement,
    ColumnExpressionArgument,
    Double,
    Integer,
    Text,
    cast,
    func,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import JSONB

from app.db.models import Run
from app.db.runs_list.extremes import extreme
from app.db.runs_list.numbers import at, latest
from app.errors import Invalid
from app.schemas.measure import METRICS
from app.schemas.numbers import LARGEST
from app.schemas.studies.expansion import config_fields
from app.schemas.words import grouped, written_out
from app.services.charts.curves import STUDY_METRICS, StudyMetric
from app.services.wording import duration, fixed, nats, short

Kind = Literal["number", "text", "moment"]
NAME = "name"
AT_A_PLACE = "Measured at a place"
USUAL = ("clamps", "state", "progress", "train_loss", "midpoint", "created")
_NAN = float("nan")


@dataclass(frozen=True)
class Column:
    """One column."""

    id: str
    title: str
    unit: str
    group: str  # where it stands in the list to choose from
    kind: Kind
    key: ColumnElement[Any]
    is_optional: bool  # whether runs may lack it
    text: Callable[[Run, float | None], str]  # given the run, and `number` if it has one
    cell: ColumnElement[Any]  # the same for programs
    said: Callable[[float], str]  # a number of it, for instance the mean of several runs'
    final: ColumnElement[Any] | None = None  # the key of runs that have ended, with an index
    number: ColumnElement[Any] | None = None  # what has to be asked for with the run
    is_whole: bool = False  # of a number: it never has a fraction

    @property
    def full_title(self) -> str:
        return f"{self.title} ({self.unit})" if self.unit else self.title


def column_or_error(name: str, loc: str) -> Column:
    """The column called so, or `Invalid`."""
    found = column_called(name)
    if found is None:
        raise Invalid(
            f"There is no column {name!r}. There are {', '.join(_OF_RUNS)}; options of configs, "
            "for instance training.learning_rate; and measures, for instance loss.new_classes, "
            "their extremes, loss.new_classes.min, and what they were at a place, "
            "loss.new_classes@100k.",
            loc=loc,
        )
    return found


def column_called(name: str) -> Column | None:
    """The column called so, if there is one."""
    return columns().get(name) or _at_a_place(name)


@cache
def columns() -> dict[str, Column]:
    """Every column by its name, those of the same group together."""
    found = [*_of_runs(), *map(_of_config, config_fields().items()), *_of_measures()]
    return {column.id: column for column in found}


def chosen_columns(names: Sequence[str], loc: str) -> list[Column]:
    """The columns called so, each once and without the name, which is always there."""
    return [column_or_error(name, loc) for name in dict.fromkeys(names) if name != NAME]


def _number_key(column: ColumnExpressionArgument[Any]) -> ColumnElement[Any]:
    """NaN is no number to sort by."""
    return func.nullif(cast(column, Double), _NAN, type_=Double())


def _plain(
    name: str,
    title: str,
    key: ColumnElement[Any],
    text: Callable[[Any], str],
    *,
    unit: str = "",
    kind: Kind = "number",
    read: Callable[[Run], Any] | None = None,
    cell: ColumnElement[Any] | None = None,
    is_optional: bool = True,
    is_whole: bool = False,
    final: ColumnElement[Any] | None = None,
) -> Column:
    """A column of what a run's row holds; `read` and `cell`: unless it is called as the column."""
    value = read or (lambda run: getattr(run, name))
    return Column(
        id=name,
        title=title,
        unit=unit,
        group="The run",
        kind=kind,
        key=key,
        is_optional=is_optional,
        text=lambda run, _: text(value(run)),
        cell=getattr(Run, name).expression if cell is None else cell,
        said=short if is_whole else text,
        final=final,
        is_whole=is_whole,
    )


def _seconds(run: Run) -> float | None:
    if run.started_at is None or run.finished_at is None:
        return None
    return (run.finished_at - run.started_at).total_seconds()


def _or_dash(text: str | None) -> str:
    return text or "–"


def _phase_change(name: str) -> Column:
    title = "Phase change" if name == "midpoint" else f"Phase change, {name}"
    final = Run.final_midpoint.expression if name == "midpoint" else None
    key = _number_key(getattr(Run, name))
    return _plain(name, title, key, short, unit="sequences", final=final)


def _of_runs() -> list[Column]:
    progress = cast(Run.sequences, Double) / Run.total_sequences
    taken = func.extract("epoch", Run.finished_at - Run.started_at)
    clamps = func.jsonb_array_length(Run.config["program"], type_=Integer())
    tags = func.nullif(func.array_to_string(Run.tags, ", "), "", type_=Text())
    notes = func.nullif(Run.notes, "", type_=Text())
    return [
        _plain(NAME, "Run", Run.name.expression, str, kind="text", is_optional=False),
        _plain(
            "clamps", "Clamps", clamps, str, is_optional=False, is_whole=True, cell=clamps,
            read=lambda run: len(run.config["program"]),
        ),
        _plain("state", "State", Run.state.expression, str, kind="text", is_optional=False),
        _plain(
            "progress", "Progress", progress, lambda share: f"{share:.0%}", is_optional=False,
            cell=progress, read=lambda run: run.sequences / run.total_sequences,
            final=Run.final_progress.expression,
        ),
        _plain(
            "train_loss", "Train loss", _number_key(Run.train_loss), nats, unit="nats",
            final=Run.final_train_loss.expression,
        ),
        *map(_phase_change, ("onset", "midpoint", "end")),
        _plain(
            "created", "Age", Run.created_at.expression, str, kind="moment", is_optional=False,
            cell=Run.created_at.expression, read=lambda run: run.created_at,
        ),
        _plain("tags", "Tags", tags, ", ".join, kind="text"),
        _plain("notes", "Notes", notes, str, kind="text"),
        _plain(
            "sequences", "Sequences seen", _number_key(Run.sequences), grouped, is_whole=True
        ),
        _plain(
            "duration", "Duration", _number_key(taken), duration, read=_seconds,
            cell=cast(taken, Double),
        ),
        _plain(
            "sequences_per_second", "Speed", _number_key(Run.sequences_per_second), short,
            unit="sequences/s",
        ),
        _plain("device", "Device", Run.device.expression, _or_dash, kind="text"),
        _plain("worker", "Worker", Run.worker.expression, _or_dash, kind="text"),
        _plain("id", "Id", Run.id.expression, str, kind="text", is_optional=False),
    ]  # fmt: skip


_OF_RUNS = tuple(column.id for column in _of_runs())


def _of_config(option: tuple[str, FieldInfo]) -> Column:
    path, info = option
    section, name = path.split(".")
    title = info.title or path
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    is_number = info.annotation in (int, float)
    inside = Run.config[(section, name)]
    key = _number_key(inside.as_float()) if is_number else cast(inside.as_string(), Text)

    def text(run: Run, _: float | None) -> str:
        return _config_text(run.config.get(section, {}).get(name))

    return Column(
        id=path,
        title=f"Seed: {title.lower()}" if section == "seeds" else title,
        unit=str(extra.get("unit", "")),
        group=f"Config: {section}",
        kind="number" if is_number else "text",
        key=key,
        is_optional=True,  # a run of before there was the option has none
        text=text,
        cell=type_coerce(inside, JSONB),
        said=_mean_text,
        is_whole=info.annotation is int,
    )


def _config_text(value: object) -> str:
    match value:
        case None | "" | []:
            return "–"
        case bool():
            return "on" if value else "off"
        case int():
            return grouped(value)
        case float():
            return number_text(value)
        case list():
            return ", ".join("-".join(map(str, one)) for one in value)
    return str(value)


def number_text(number: float) -> str:
    """A setting as the list writes it."""
    return f"{number:g}".replace("-", "−")


def _mean_text(number: float) -> str:
    return grouped(int(number)) if number.is_integer() else number_text(number)


def _loss_text(_: Run, number: float | None) -> str:
    return nats(number)


def _share_text(_: Run, number: float | None) -> str:
    return fixed(number)


def _of_measures() -> list[Column]:
    """The latest of every measure, and its extremes; the one that is best says so."""
    found = []
    for metric in STUDY_METRICS.values():
        low, high = (extreme(metric.id, is_least=least) for least in (True, False))
        best = (" (best)", "") if metric.is_loss else ("", " (best)")
        found += [
            _measured(metric, metric.id, metric.title, latest(metric.column)),
            _measured(metric, f"{metric.id}.min", f"{metric.title}, lowest{best[0]}", low),
            _measured(metric, f"{metric.id}.max", f"{metric.title}, highest{best[1]}", high),
        ]
    return found


def _measured(
    metric: StudyMetric, name: str, title: str, number: ColumnElement[Any], group: str = ""
) -> Column:
    names = {one.value: one.replace("_", " ") for one in METRICS}
    return Column(
        id=name,
        title=title,
        unit=metric.number_unit,
        group=group or f"Measured: {names.get(metric.id.split('.')[0], 'strengths')}",
        kind="number",
        key=_number_key(number),
        is_optional=True,
        text=_loss_text if metric.is_loss else _share_text,
        cell=number,
        said=nats if metric.is_loss else fixed,
        number=number,
    )


def _at_a_place(name: str) -> Column | None:
    """`loss.train@100000`, or as people write it, `loss.train@100k`: a measure at a place."""
    measure, is_at, where = name.partition("@")
    metric, digits = STUDY_METRICS.get(measure), written_out(where)
    if not is_at or metric is None or not digits.isascii() or not digits.isdigit():
        return None
    place = int(digits[:17])
    if place > LARGEST:
        return None
    title = f"{metric.title} at {short(place)}"
    number = at(metric.column, place)
    return _measured(metric, f"{measure}@{place}", title, number, AT_A_PLACE)
