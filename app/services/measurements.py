"""Numbers of a run's series, as columns, thinned for charts."""

import math
from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from app.db import series as rows
from app.db.models import Measurement as MeasurementRow
from app.db.models import Run
from app.schemas.api import HeadsRead, MeasurementsRead, NonFinite, NonFiniteValue, Thinning
from app.schemas.config import RunConfig
from app.schemas.measure import Measurement
from app.services.series import STRENGTHS, select_series, series_for
from app.services.thinning import thin


def read_series(
    session: Session,
    run: Run,
    patterns: Sequence[str],
    *,
    after: int = -1,
    until: int | None = None,
    max_points: int = 1000,
) -> MeasurementsRead:
    """The asked series past `after`, up to and with `until`, as columns."""
    chosen = select_series(RunConfig.model_validate(run.config), patterns)
    columns = [series.column for series in chosen]
    found = rows.columns_between(session, run.id, columns, after=after, until=until)
    numbers = [[row[2][index] for row in found] for index in range(len(chosen))]
    sequences = [row[0] for row in found]
    kept, width = thin(sequences, numbers, max_points)
    series = {
        one.name: [column[i] for i in kept] for one, column in zip(chosen, numbers, strict=True)
    }
    places = [sequences[i] for i in kept]
    return MeasurementsRead(
        run_id=run.id,
        sequences=places,
        computed_at=[found[i][1] for i in kept],
        series={name: [finite(number) for number in column] for name, column in series.items()},
        nonfinite=list(_nonfinite(places, series)),
        thinning=_thinning(len(kept), len(found), width),
        next_after=sequences[-1] if sequences else after,
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
    session: Session, run: Run, *, after: int = -1, max_points: int = 1000
) -> list[Measurement]:
    """Whole measurements past `after`, thinned so that loss and strengths keep their extremes."""
    found = [measurement_of(row) for row in rows.measurements_after(session, run.id, after)]
    return thinned(RunConfig.model_validate(run.config), found, max_points)[0]


def thinned(
    config: RunConfig, measurements: Sequence[Measurement], max_points: int
) -> tuple[list[Measurement], Thinning]:
    """Measurements for charts that show losses and strengths together."""
    if len(measurements) <= max_points:
        return list(measurements), _thinning(len(measurements), len(measurements), None)
    shown = select_series(config, ["loss.*", *(f"{metric}.*" for metric in STRENGTHS)])
    numbers = [[series.of(one) for one in measurements] for series in shown]
    kept, width = thin([one.sequences for one in measurements], numbers, max_points)
    return [measurements[i] for i in kept], _thinning(len(kept), len(measurements), width)


def _thinning(points: int, of: int, width: int | None) -> Thinning:
    rule = "none" if width is None else "min/max/last per bucket"
    return Thinning.model_validate(
        {"rule": rule, "bucket_sequences": width, "points": points, "of": of}
    )


def read_heads(session: Session, run: Run, *, after: int, max_points: int) -> HeadsRead:
    """Strengths of every head over time; the last is always the latest."""
    config = RunConfig.model_validate(run.config)
    found = [measurement_of(row) for row in rows.measurements_after(session, run.id, after)]
    kept, thinning = thinned(config, found, max_points)
    return HeadsRead(
        run_id=run.id,
        layers=config.model.layers,
        heads=config.model.heads,
        sequences=[one.sequences for one in kept],
        induction_strength=[_per_head(one.induction_strength) for one in kept],
        previous_token_strength=[_per_head(one.previous_token_strength) for one in kept],
        thinning=thinning,
    )


def _per_head(strengths: Sequence[Sequence[float]]) -> list[list[float | None]]:
    return [[finite(number) for number in layer] for layer in strengths]


def nonfinite_series(measurement: Measurement) -> Iterator[tuple[str, NonFinite]]:
    """Which numbers of a measurement JSON cannot say, and what they are."""
    strengths = measurement.induction_strength
    for series in series_for(len(strengths), len(strengths[0])):
        if kind := nonfinite(series.of(measurement)):
            yield series.name, kind
