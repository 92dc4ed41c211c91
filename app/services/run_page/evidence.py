"""What was measured of the steps of the circuit, each with its threshold and when it was crossed.

Steps 1 and 4 are judged by the attention of the strongest head that could do them. Of step 3k
there is the key composition that grew most: it has no threshold, since it grows by a fifth of what
unrelated heads have by chance, and so it is shown beside that. Nothing that is recorded while a run
trains tells the other steps apart; they are said to be so, and analyses of checkpoints test them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import series
from app.db.models import Run
from app.schemas.api.series import Thinning
from app.schemas.clamps.base import Step
from app.schemas.config import ModelConfig, RunConfig
from app.schemas.measure import Bracket, Measurement, chance_of_composition
from app.schemas.words import head_name
from app.services.charts.sparklines import HEIGHT, WIDTH, small_line
from app.services.clamps.circuit import LitStep, State, circuit
from app.services.series.frames import Strongest, evenly, grown_key_composition
from app.services.wording import between, fixed

HALF = 0.5  # of the attention that there is: the threshold of both strengths
FRAMES_READ = 64  # of a run, evenly: composition changes slowly
SUB_CIRCUITS = {
    Step.ATTEND_BACK: "A", Step.COPY_BACK: "A",
    Step.READ_QUERY: "B", Step.READ_KEY: "B", Step.MATCH: "B",
    Step.READ_VALUE: "C", Step.COPY_OUT: "C",
}  # fmt: skip


@dataclass(frozen=True)
class FirstAbove:
    """Which head was first at a threshold, and where; whether any is there by now."""

    whose: str
    place: Bracket
    still: bool


@dataclass(frozen=True)
class Evidence:
    """A number that speaks for a step: what it is, its threshold, its course, where it stands."""

    what: str
    now: str
    beside: str  # what it is to be compared with: its threshold, or what chance gives
    crossed: str  # when; empty if no threshold is known
    path: str  # of a small line, `app.services.charts.sparklines` in size
    level: float  # of the threshold, in its pixels; of 0 if none is known
    first: FirstAbove | None  # None: none was yet, or there is no threshold


@dataclass(frozen=True)
class JudgedStep:
    """A step of the drawing with what was measured of it, if anything is."""

    lit: LitStep
    part: str  # which sub-circuit it belongs to
    evidence: Evidence | None


@dataclass(frozen=True)
class StepsPart:
    """Context of the block `steps`, which is fetched again while the run trains."""

    run_id: str
    judged: Sequence[JudgedStep]
    small_width: int = WIDTH
    small_height: int = HEIGHT


@dataclass(frozen=True)
class _Course:
    """A number over a run, each with whose it was."""

    what: str
    beside: str
    points: Sequence[tuple[int, Strongest]]
    ends: tuple[float, float]  # of its small line, which grows with what lies outside
    threshold: float | None = None
    bucket: int | None = None  # of thinned points: how wide the buckets are


def steps_part(
    session: Session,
    run: Run,
    config: RunConfig,
    read: tuple[Sequence[Measurement], Thinning],
) -> StepsPart:
    """The steps of a run; `read` are the measurements of the whole run."""
    courses = _courses(session, run, config.model, *read)
    return StepsPart(
        run.id,
        [
            JudgedStep(step, SUB_CIRCUITS[step.step], _evidence(step, courses, run))
            for step in circuit(config.program, config.model).steps.values()
        ],
    )


def _courses(
    session: Session, run: Run, model: ModelConfig, rows: Sequence[Measurement], thinning: Thinning
) -> dict[Step, _Course]:
    """What speaks for a step, of those steps for which anything does."""
    last, width = model.layers - 1, thinning.bucket_sequences
    match = _strongest(rows, lambda row: row.induction_strength, [last])
    half = f"threshold {fixed(HALF, 2)}, half"
    found = {
        Step.MATCH: _Course("strongest induction head", half, match, (-0.2, 1), HALF, width),
    }
    if last:
        back = _strongest(rows, lambda row: row.previous_token_strength, range(last))
        what = "strongest previous-token head"
        found[Step.ATTEND_BACK] = _Course(what, half, back, (-0.2, 1), HALF, width)
        found[Step.READ_KEY] = _composition(session, run, model)
    return found


def _composition(session: Session, run: Run, model: ModelConfig) -> _Course:
    places = evenly(series.frame_sequences(session, run.id), FRAMES_READ)
    return _Course(
        "key composition with a lower head, grown most",
        f"unrelated heads have {fixed(chance_of_composition(model.width))} in all; "
        "no threshold is known",
        grown_key_composition(session, run.id, model, places),
        (0, 0.05),
    )


def _strongest(
    rows: Sequence[Measurement],
    strengths: Callable[[Measurement], Sequence[Sequence[float]]],
    layers: Sequence[int],
) -> list[tuple[int, Strongest]]:
    """The strongest head of some layers at every measurement that has any."""
    found = []
    for row in rows:
        numbers = [
            (number, layer, head)
            for layer in layers
            for head, number in enumerate(strengths(row)[layer])
            if math.isfinite(number)
        ]
        if numbers:
            number, *head = max(numbers)
            found.append((row.sequences, Strongest(number, head_name(*head))))
    return found


def _evidence(step: LitStep, courses: dict[Step, _Course], run: Run) -> Evidence | None:
    course = courses.get(step.step)
    if course is None or step.state is State.ABSENT:
        return None
    latest = course.points[-1][1] if course.points else None
    first = _first(course)
    return Evidence(
        what=course.what,
        now=f"{fixed(latest.number, 2)}, {latest.whose}" if latest else "–",
        beside=course.beside,
        crossed="" if course.threshold is None else _crossed(first, run),
        path=_path(course, run.total_sequences),
        level=round(_height(course)(course.threshold or 0), 1),
        first=first,
    )


def _crossed(first: FirstAbove | None, run: Run) -> str:
    """When it first was at or above its threshold, and whether it still is."""
    if first is None:
        return "never" if run.finished_at else "not yet"
    is_from_the_start = first.place.after is None
    said = "from the first measurement on" if is_from_the_start else between(first.place)
    return said if first.still else f"{said}; below it now"


def _first(course: _Course) -> FirstAbove | None:
    if course.threshold is None:
        return None
    points, level = course.points, course.threshold
    index = next((index for index, (_, one) in enumerate(points) if one.number >= level), None)
    if index is None:
        return None
    until, strongest = points[index]
    place = Bracket(after=_before(course, index), until=until)
    return FirstAbove(strongest.whose, place, still=points[-1][1].number >= level)


def _before(course: _Course, index: int) -> int | None:
    """The last point that is known to lie before the first at the threshold."""
    until = course.points[index][0]
    earlier = [place for place, _ in course.points[:index]]
    if course.bucket is not None:
        # Of thinned points, those of the same bucket do not bracket it: one that was left out
        # between them may have been above, too. Of every bucket the last is kept.
        earlier = [place for place in earlier if place // course.bucket < until // course.bucket]
    return earlier[-1] if earlier else None


def _path(course: _Course, length: int) -> str:
    height = _height(course)
    return small_line([(place, height(one.number)) for place, one in course.points], length)


def _height(course: _Course) -> Callable[[float], float]:
    """Pixels from the top, of a drawing that holds all of its numbers and the threshold."""
    numbers = [one.number for _, one in course.points]
    low, high = min([course.ends[0], *numbers]), max([course.ends[1], *numbers])
    return lambda number: 2 + (HEIGHT - 4) * (1 - (number - low) / (high - low))
