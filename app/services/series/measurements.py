"""Numbers of a run's series, as columns, thinned for charts."""

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy.orm import Session

from app.db import series as rows
from app.db.models import MeasurementRow, Run
from app.db.series import Columns
from app.schemas.api.series import HeadsRead, MeasurementsRead, NonFinite, NonFiniteValue, Thinning
from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, METRICS, Measurement
from app.services.series.names import STRENGTHS, Series, select_series, series_for, series_of
from app.services.series.thinning import thin

# What charts of a run show; of these series none loses its extremes.
SHOWN = ("loss.*", *(f"{metric}.*" for metric in STRENGTHS))


@dataclass(frozen=True)
class SequenceRange:
    """A range of a run, and how many of its measurements are wanted at most."""

    after: int = -1  # only what lies past this
    until: int | None = None  # up to and with this; None: to the end
    max_points: int = 1000


WHOLE = SequenceRange()
MOST_KEPT = 256  # choices of ended runs, a thousand numbers each


@dataclass(frozen=True)
class Thinned:
    """Series of a range of a run, and which of its measurements are kept."""

    found: Columns
    kept: Sequence[int]
    thinning: Thinning

    @property
    def sequences(self) -> list[int]:
        return [self.found.sequences[i] for i in self.kept]


def read_series(
    session: Session, run: Run, patterns: Sequence[str], span: SequenceRange = WHOLE
) -> MeasurementsRead:
    """The asked series of a range, as columns."""
    return read_many(session, [run], patterns, span)[0]


def read_many(
    session: Session, runs: Sequence[Run], patterns: Sequence[str], span: SequenceRange = WHOLE
) -> list[MeasurementsRead]:
    """The same of many runs, each thinned by itself; runs of equal series are read together."""
    chosen = {
        run.id: tuple(select_series(RunConfig.model_validate(run.config), patterns)) for run in runs
    }
    read: dict[str, Thinned] = {}
    # Each a statement, and so a snapshot, of its own: of runs that are training, one may be read a
    # flush later than another.
    for series in set(chosen.values()):
        alike = [run_id for run_id in chosen if chosen[run_id] == series]
        read |= _thinned(session, alike, series, span, with_moments=True)
    return [_measurements(run.id, chosen[run.id], read[run.id], span) for run in runs]


def _thinned(
    session: Session,
    run_ids: Sequence[str],
    chosen: Sequence[Series],
    span: SequenceRange,
    *,
    with_moments: bool = False,
) -> dict[str, Thinned]:
    numbers = [series.number for series in chosen]
    found = rows.columns_of(
        session,
        run_ids,
        numbers,
        after=span.after,
        until=span.until,
        with_moments=with_moments,
    )
    nothing = Columns((), (), [()] * len(numbers))
    return {run_id: _thin(found.get(run_id, nothing), span.max_points) for run_id in run_ids}


def _thin(found: Columns, max_points: int) -> Thinned:
    kept, width = thin(found.sequences, found.numbers, max_points)
    rule = "none" if width is None else "min/max/last per bucket"
    said = {"bucket_sequences": width, "points": len(kept), "of": len(found.sequences)}
    return Thinned(found, kept, Thinning.model_validate({"rule": rule, **said}))


def _measurements(
    run_id: str, chosen: Sequence[Series], read: Thinned, span: SequenceRange
) -> MeasurementsRead:
    sequences = read.sequences
    series = {
        one.name: [column[i] for i in read.kept]
        for one, column in zip(chosen, read.found.numbers, strict=True)
    }
    return MeasurementsRead(
        run_id=run_id,
        sequences=sequences,
        computed_at=[rows.moment(read.found.moments[i]) for i in read.kept],
        series={name: [finite(number) for number in column] for name, column in series.items()},
        nonfinite=list(_nonfinite(sequences, series)),
        thinning=read.thinning,
        next_after=sequences[-1] if sequences else span.after,
    )


def _nonfinite(
    sequences: Sequence[int], series: dict[str, list[float]]
) -> Iterator[NonFiniteValue]:
    for name, column in series.items():
        for place, number in zip(sequences, column, strict=True):
            if kind := nonfinite(number):
                yield NonFiniteValue(series=name, sequences=place, value=kind)


def finite(number: float | None) -> float | None:
    """The number as JSON can say it."""
    return number if number is not None and math.isfinite(number) else None


def nonfinite(number: float | None) -> NonFinite | None:
    """What a number is that JSON has no word for."""
    if number is None or math.isfinite(number):
        return None
    if math.isnan(number):
        return "nan"
    return "inf" if number > 0 else "-inf"


def measurement_of(row: MeasurementRow) -> Measurement:
    """A row as the rest of the program knows it."""
    return Measurement.model_validate(
        {name: getattr(row, name) for name in Measurement.model_fields}
    )


def read_measurements(
    session: Session,
    run: Run,
    config: RunConfig,
    span: SequenceRange = WHOLE,
    shown: Sequence[str] = SHOWN,
) -> tuple[list[Measurement], Thinning]:
    """Whole measurements, for charts that show several series together: losses and strengths."""
    chosen, thinning = _chosen(session, run, config, span, shown)
    wanted = [rows.Number("elapsed_seconds"), *(one.number for one in series_of(config))]
    # A second snapshot, at the places chosen in the first: what was added since stays out. A run
    # deleted in between has none of them.
    found = rows.columns_of(session, [run.id], wanted, places=chosen).get(run.id)
    return (_whole(found, config) if found else []), thinning


_Choice = tuple[list[int], Thinning]
_choices: dict[tuple[Hashable, ...], _Choice] = {}


def _chosen(
    session: Session, run: Run, config: RunConfig, span: SequenceRange, shown: Sequence[str]
) -> _Choice:
    """Which measurements are kept; of a run that has ended, whose measurements stay as they are,
    they are looked for once: its page is asked for again and again."""
    key = (run.id, run.finished_at, span, *shown)
    if found := _choices.get(key):
        return found
    read = _thinned(session, [run.id], select_series(config, shown), span)[run.id]
    choice = read.sequences, read.thinning
    if run.finished_at:
        while len(_choices) >= MOST_KEPT:
            _choices.pop(next(iter(_choices)), None)  # the oldest; another thread may be faster
        _choices[key] = choice
    return choice


def _whole(found: Columns, config: RunConfig) -> list[Measurement]:
    """Measurements from columns of every series, in the order of `series_of`."""
    layers, heads, columns = config.model.layers, config.model.heads, iter(found.numbers)
    elapsed = next(columns)
    evaluated = [_rows(columns, len(EVALUATORS)) for _ in METRICS]
    strengths = [
        list(zip(*(_rows(columns, heads) for _ in range(layers)), strict=True)) for _ in STRENGTHS
    ]
    names = ("sequences", "elapsed_seconds", *METRICS, *STRENGTHS)
    whole = zip(found.sequences, elapsed, *evaluated, *strengths, strict=True)
    return [Measurement.model_validate(dict(zip(names, row, strict=True))) for row in whole]


def _rows(columns: Iterator[Sequence[float]], count: int) -> list[tuple[float, ...]]:
    """The next columns, as a line for each measurement."""
    return list(zip(*islice(columns, count), strict=True))


def read_heads(session: Session, run: Run, span: SequenceRange) -> HeadsRead:
    """Strengths of every head over time; the last is always the latest of the range."""
    config = RunConfig.model_validate(run.config)
    kept, thinning = read_measurements(session, run, config, span)
    return HeadsRead(
        run_id=run.id,
        layers=config.model.layers,
        heads=config.model.heads,
        sequences=[one.sequences for one in kept],
        thinning=thinning,
        **{name: [_per_head(getattr(one, name)) for one in kept] for name in STRENGTHS},
    )


def _per_head(strengths: Sequence[Sequence[float]]) -> list[list[float | None]]:
    return [[finite(number) for number in layer] for layer in strengths]


def nonfinite_series(measurement: Measurement) -> Iterator[tuple[str, NonFinite]]:
    """Which numbers of a measurement JSON cannot say, and what they are."""
    strengths: Sequence[Sequence[float]] = getattr(measurement, STRENGTHS[0])
    for series in series_for(len(strengths), len(strengths[0])):
        if kind := nonfinite(series.of(measurement)):
            yield series.name, kind
