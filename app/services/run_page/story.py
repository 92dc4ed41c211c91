"""A run in a few sentences that write themselves as it trains: from its row, its measurements and
what was measured of the circuit's steps. Nothing is said that these do not hold; each place links
to the charts around it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.schemas.api.runs import RunRead
from app.schemas.clamps.base import Step
from app.schemas.measure import EVALUATORS, Bracket, Evaluator, Measurement, PhaseBrackets
from app.schemas.state import RunState
from app.schemas.words import grouped
from app.services.clamps.circuit import State
from app.services.run_page.evidence import JudgedStep
from app.services.wording import between, nats, short

AROUND = 0.1  # of a run on either side of a place, in the part that a link shows
LOSS, STRENGTHS = "loss-title", "strengths-title"  # headings of the charts
_TRAIN, _NEW = EVALUATORS.index(Evaluator.TRAIN), EVALUATORS.index(Evaluator.NEW_CLASSES)
_ROLES = {
    Step.ATTEND_BACK: "half of previous-token strength",
    Step.MATCH: "half of induction strength",
}


@dataclass(frozen=True)
class StoryPart:
    """Some words; with a query and a heading of the page that they link to, if they are a place."""

    text: str
    query: str = ""
    heading: str = ""


@dataclass(frozen=True)
class Sentence:
    """What is said, and from where on in the run it holds, in sequences."""

    parts: Sequence[StoryPart]
    since: int


def story(
    run: RunRead, rows: Sequence[Measurement], judged: Sequence[JudgedStep]
) -> list[Sentence]:
    """What is known by now; nothing of a run without measurements."""
    return list(_sentences(run, rows, judged)) if rows else []


def in_text(sentences: Sequence[Sentence]) -> list[str]:
    """The same without links, for reports."""
    return ["".join(part.text for part in sentence.parts) for sentence in sentences]


def _sentences(
    run: RunRead, rows: Sequence[Measurement], judged: Sequence[JudgedStep]
) -> Iterator[Sentence]:
    known = run.phase_change_between or PhaseBrackets()
    if run.phase_change.plateau_end is not None and known.plateau_start and known.onset:
        parts = _plateau(run, known.plateau_start, known.onset)
        yield Sentence(list(parts), known.plateau_start.until)
    if run.phase_change.midpoint is not None:
        yield Sentence(list(_drop(run, known)), _since(known))
    elif run.is_terminal:
        since = " since the fork" if run.lineage.parent else ""
        yield Sentence([StoryPart(f"No phase change was seen{since}.")], rows[-1].sequences)
    for one in judged:
        if one.lit.step in _ROLES and one.evidence is not None and one.evidence.first is not None:
            yield Sentence(list(_head(run, one)), one.evidence.first.place.until)
    yield Sentence(list(_now(run, rows)), rows[-1].sequences)


def _since(known: PhaseBrackets) -> int:
    """Where the fall was first seen."""
    places = (known.onset, known.midpoint, known.end)
    return next((place.until for place in places if place is not None), 0)


def _plateau(run: RunRead, start: Bracket, end: Bracket) -> Iterator[StoryPart]:
    labels = run.labels_in_context
    guess = f"ln {labels}"
    yield StoryPart(f"The training loss came down to 1.2 {guess} ")
    yield _place(run, start, LOSS)
    yield StoryPart(f" and to 0.95 {guess} ")
    yield _place(run, end, LOSS)
    among = "between the two" if labels == 2 else f"among the {labels}"
    yield StoryPart(
        f": between the two it waited near {guess} = {run.chance_loss:.3f}, "
        f"where a model guesses {among} labels "
        "in context."
    )


def _drop(run: RunRead, known: PhaseBrackets) -> Iterator[StoryPart]:
    yield StoryPart(_opening(run))
    places = [("onset", known.onset), ("midpoint", known.midpoint), ("end", known.end)]
    found = [(name, place) for name, place in places if place is not None]
    for index, (name, place) in enumerate(found):
        yield StoryPart(f"{', ' if index else ''}{name} ")
        yield _place(run, place, LOSS)
    if run.phase_change.reversal is not None:
        yield StoryPart("; by ")
        at = round(run.phase_change.reversal)
        yield _place(run, Bracket(after=at, until=at), LOSS, short(at))
        yield StoryPart(" it was back above where the fall had begun")
    yield StoryPart(".")


def _opening(run: RunRead) -> str:
    under = " under a clamp" if run.phase_change_is_clamped else ""
    if run.lineage.parent:  # what its parent's loss did before is not in its own phase change
        return f"Since the fork the training loss fell{under}: "
    if run.phase_change.plateau_end is None:
        return f"The training loss fell{under} without a plateau: "
    return f"Then it fell{under}: "


def _head(run: RunRead, one: JudgedStep) -> Iterator[StoryPart]:
    assert one.evidence is not None
    assert one.evidence.first is not None
    first, lit = one.evidence.first, one.lit
    held = lit.state is State.FIXED and first.place.after is None
    yield StoryPart(f"{first.whose} was the first at {_ROLES[lit.step]}, ")
    if first.place.after is None:
        yield StoryPart("from the first measurement on")
    else:
        yield _place(run, first.place, STRENGTHS)
    yield StoryPart(f", held there by a clamp {lit.window}".rstrip() if held else "")
    yield StoryPart("." if first.still else "; no head is by now.")


def _now(run: RunRead, rows: Sequence[Measurement]) -> Iterator[StoryPart]:
    broken = next((row for row in rows if not math.isfinite(row.loss[_TRAIN])), None)
    if broken is not None:
        at = broken.sequences
        yield StoryPart("Its training loss is not a finite number at ")
        yield _place(run, Bracket(after=at, until=at), LOSS, grouped(at))
        yield StoryPart(" sequences.")
        return
    last = rows[-1]
    verb = "ended" if run.state is RunState.FINISHED else "is"
    yield StoryPart(f"At {grouped(last.sequences)} sequences its loss {verb} at ")
    yield StoryPart(f"{nats(last.loss[_TRAIN])} nats, and at {nats(last.loss[_NEW])} on classes "
                    "that it was never trained on; one seed.")  # fmt: skip


def _place(run: RunRead, place: Bracket, heading: str, text: str = "") -> StoryPart:
    """A place with a tenth of the run on either side."""
    room = round(AROUND * run.total_sequences)
    start = max(0, (place.after or 0) - room)
    until = min(run.total_sequences, place.until + room)
    return StoryPart(text or between(place), f"from={start}&to={until}", heading)
