"""The moving picture of a run: its circuit as it forms, from the frames that it stored."""

from collections.abc import Mapping, Sequence
from math import log

from sqlalchemy.orm import Session

from app.db import series
from app.db.models import MeasurementRow, Run
from app.errors import NotFound
from app.schemas.config import ModelConfig, RunConfig
from app.schemas.measure import EVALUATORS, Evaluator
from app.schemas.words import grouped
from app.services.reports.forming import WIDE, Caption, Moment, moving_picture
from app.services.runs.run_read import phase_change_of
from app.services.series.frames import evenly, last_layers_keys
from app.services.wording import nats

STEPS = 60  # at most, spread evenly over the frames
MOST_STOPS = 6000  # of all heads together: about 300 kB
_TRAIN = EVALUATORS.index(Evaluator.TRAIN)


def forming_picture(session: Session, run: Run) -> str:
    """An SVG that moves by itself, or `NotFound` while the run has no frame."""
    config = RunConfig.model_validate(run.config)
    places = evenly(series.frame_sequences(session, run.id), _steps(config.model))
    moments = _moments(session, run.id, config.model, places)
    if not moments:
        raise NotFound(f"Run {run.id} has no frame yet; its trainer stores the first at its start.")
    change = phase_change_of(run)
    ends = (change.onset, moments[-1].sequences if change.end is None else change.end)
    return moving_picture(
        moments,
        _words(run, config, moments),
        WIDE.of(config.model.layers),
        change=None if ends[0] is None else (ends[0], ends[1]),
    )


def _steps(model: ModelConfig) -> int:
    """Fewer of a model of more than a hundred heads."""
    return min(STEPS, MOST_STOPS // (model.layers * model.heads))


def _moments(
    session: Session, run_id: str, model: ModelConfig, places: Sequence[int]
) -> list[Moment]:
    """Of frames that have a measurement: both are written at once."""
    stored = series.compositions_at(session, run_id, places) if model.layers > 1 else []
    scores = {place: _by_head(last_layers_keys(one, model), model) for place, one in stored}
    rows = series.measurements_at(session, run_id, places)
    return [_moment(row, scores) for row in rows]


def _by_head(scores: Sequence[float], model: ModelConfig) -> list[Sequence[float]]:
    """`[head of the last layer][head below]`."""
    below = (model.layers - 1) * model.heads
    return [scores[below * head :][:below] for head in range(model.heads)]


def _moment(row: MeasurementRow, scores: Mapping[int, Sequence[Sequence[float]]]) -> Moment:
    return Moment(
        sequences=row.sequences,
        loss=row.loss[_TRAIN],
        strengths=[*row.previous_token_strength[:-1], row.induction_strength[-1]],
        composition=scores.get(row.sequences, ()),
    )


def _words(run: Run, config: RunConfig, moments: Sequence[Moment]) -> Caption:
    labels, first, last = config.task.context_labels, moments[0], moments[-1]
    among = "between two" if labels == 2 else f"among {labels}"
    return Caption(
        title=run.name,
        said=f"{run.name}, in {len(moments)} steps from {grouped(first.sequences)} to "
        f"{grouped(last.sequences)} sequences: heads fill by their strengths, lines between them "
        f"grow by key composition, and the training loss goes from {nats(first.loss)} to "
        f"{nats(last.loss)} nats.",
        guessing=f"ln {labels}: guessing {among}",
        guess=log(labels),
    )
