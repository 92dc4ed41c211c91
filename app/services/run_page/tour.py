"""The tour of a run's page: what plateau, phase change, strengths and clamps are, in this run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from app.schemas.api.runs import RunRead
from app.schemas.measure import Measurement, PhaseBrackets
from app.schemas.words import head_name
from app.services.wording import between, fixed, short


@dataclass(frozen=True)
class TourStep:
    """A part of the page to look at; `how` is the measure that the guide explains further."""

    target: str
    title: str
    text: str
    how: str = ""


def tour(run: RunRead, latest: Measurement | None) -> list[TourStep]:
    """Six steps, each said with this run's own numbers as far as there are any."""
    return [
        TourStep(".area-loss", "The plateau", _plateau(run), "plateau"),
        TourStep(".area-loss", "The phase change", _change(run), "phase_change"),
        TourStep(
            "#previous-token-chart",
            "Heads that look one token back",
            "Previous-token heads let each label know its exemplar: the first half of the circuit. "
            + _strongest(latest.previous_token_strength if latest else (), upper=False),
            "previous_token_strength",
        ),
        TourStep(
            "#induction-chart",
            "Induction heads",
            "Induction heads look from the query to the label whose exemplar is alike: the second "
            "half. 1 is a perfect one, 0 has no preference. "
            + _strongest(latest.induction_strength if latest else (), upper=True),
            "induction_strength",
        ),
        TourStep(
            "#attention",
            "Watch it form",
            "Every head's attention on the same few sequences, saved while the run trains. Drag "
            "the time line at the foot of the page, press play, or use the keys [ and ] to go "
            "through the frames; click a head to see it large.",
        ),
        TourStep(".area-program", "Clamps are light", _clamps(run)),
    ]


def _plateau(run: RunRead) -> str:
    what = (
        f"Here the model knows which {run.labels_in_context} labels are in the context and guesses "
        f"between them: its loss waits at ln {run.labels_in_context} = {fixed(run.chance_loss)}, "
        "the dashed line. "
    )
    start, end = run.phase_change.plateau_start, run.phase_change.plateau_end
    if start is None or end is None:
        return what + _not_seen(run, "plateau")
    return what + f"In this run it waited from {short(start)} to {short(end)} sequences, shaded."


def _change(run: RunRead) -> str:
    what = "Then the circuit is there, rather suddenly, and the loss falls. "
    known = run.phase_change_between or PhaseBrackets()
    named = [
        f"{name} {between(place)}"
        for name, place in (
            ("its onset lies", known.onset),
            ("its midpoint", known.midpoint),
            ("its end", known.end),
        )
        if place is not None
    ]
    if not named:
        return what + _not_seen(run, "phase change")
    under = " A clamp was on then." if run.phase_change_is_clamped else ""
    undone = "" if run.phase_change.reversal is None else " It was reversed later."
    return f"{what}In this run {', '.join(named)}: the thin violet lines.{under}{undone}"


def _not_seen(run: RunRead, what: str) -> str:
    if run.is_terminal:
        return f"This run showed no {what}; most of the paper's do."
    return f"This run has shown no {what} yet; it is marked here when it comes."


def _strongest(strengths: Sequence[Sequence[float]], *, upper: bool) -> str:
    """The strongest head of the last layer, or of the first."""
    if not strengths:
        return "Their curves appear here as soon as training starts."
    layer = len(strengths) - 1 if upper else 0
    known = [(one, head) for head, one in enumerate(strengths[layer]) if math.isfinite(one)]
    if not known:
        return "In this run none has a strength that is a number now."
    strength, head = max(known)
    return f"Strongest in this run now: {head_name(layer, head)}, at {fixed(strength, 2)}."


def _clamps(run: RunRead) -> str:
    what = (
        "A clamp holds a part of the model while it trains: blue drives it, amber silences it, "
        "violet keeps it as in another pass. "
    )
    own = run.description[0]
    if len(run.description) > 1:
        own = f"This run has {len(run.description)} of them, said in words here."
    return f"{what}{own} Fork it, or launch a new run, to try another."
