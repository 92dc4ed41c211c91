"""What the section of settings and outcomes shows, and the sentences beside its figures."""

from collections.abc import Iterator, Sequence

from app.schemas.state import TERMINAL
from app.schemas.words import enumerate_words
from app.services.compare.comparison import Chosen
from app.services.compare.view import CompareView
from app.services.outcomes.correlations import ENOUGH, Correlation, correlate
from app.services.outcomes.heads import LAST, MOMENTS, MOST_PICTURES, HeadPictures
from app.services.outcomes.outcomes import PLACES, Outcomes
from app.services.outcomes.quantities import Quantity
from app.services.outcomes.scatter import together
from app.services.wording import fixed

MOST_NAMED = 4  # runs in one sentence
TOGETHER = "all"
INSTEAD = " What is usual is shown instead."


def usual_pair(outcomes: Outcomes) -> tuple[Quantity, Quantity]:
    """By what is not chance, and when the loss drops; where it never does, how far it came."""
    runs = len(outcomes.chosen.runs)
    asked = [one for one in outcomes.settings if not one.id.startswith("seeds.")]
    results = [one for one in outcomes.results if one.known] or outcomes.results
    wanted = [one for one in results if one.id in ("midpoint", "final_loss.train")]
    return (asked or [together(runs)])[0], (wanted or results)[0]


def pair_of(outcomes: Outcomes, view: CompareView) -> tuple[Quantity, Quantity, list[str]]:
    """The two that a view asks for, and what is said of those that there are not."""
    usual = usual_pair(outcomes)
    found = [_named(outcomes, view.x), _named(outcomes, view.y)]
    notices = [
        f"These runs have no setting or outcome {name!r}.{INSTEAD}"
        for name, one in zip((view.x, view.y), found, strict=True)
        if name and one is None
    ]
    return found[0] or usual[0], found[1] or usual[1], notices


def _named(outcomes: Outcomes, name: str) -> Quantity | None:
    return together(len(outcomes.chosen.runs)) if name == TOGETHER else outcomes.named(name)


def pair_said(chosen: Chosen, x: Quantity, y: Quantity) -> Iterator[str]:
    """How two go together, and which runs are not among the dots."""
    if x.is_number and y.is_number and x.id != y.id:
        yield correlation_said(correlate(x, y))
    names = [one.run.name for one in chosen.runs]
    for one in {x.id: x, y.id: y}.values():
        if one.missing:
            yield missing_said(one, names)
    yield from _going_said(chosen)


def _going_said(chosen: Chosen) -> Iterator[str]:
    """That some runs have not come to their end."""
    going = sum(one.run.state not in TERMINAL for one in chosen.runs)
    if going:
        have, runs = "has" if going == 1 else "have", len(chosen.runs)
        yield f"{going} of {runs} runs {have} not ended: what counts is the last so far."


def missing_said(one: Quantity, names: Sequence[str]) -> str:
    """`3 of 8 runs have no midpoint: a and b (its loss never dropped), c (...).`"""
    count, runs = len(one.missing), len(names)
    reasons: dict[str, list[str]] = {}
    for place, reason in one.missing.items():
        reasons.setdefault(reason, []).append(names[place])
    said = ", ".join(f"{_listed(found)} ({reason})" for reason, found in reasons.items())
    have = "has" if count == 1 else "have"
    title = f"{one.title[:1].lower()}{one.title[1:]}"
    return f"{count} of {runs} runs {have} no {title}: {said}."


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return enumerate_words([*names[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])])


def correlation_said(one: Correlation) -> str:
    """`Rank correlation −0.83, 95 % interval −0.97 to −0.25, of 12 runs.`"""
    if one.rho is None:
        return "No rank correlation: fewer than four runs have both, or all have the same."
    rho, low, high = (fixed(number, 2) for number in one.rho)
    is_exact = abs(one.rho.value) > 1 - 1e-9
    interval = "every run in order" if is_exact else f"95 % interval {low} to {high}"
    little = f"; fewer than {ENOUGH} runs tell little" if one.tells_little else ""
    return f"Rank correlation {rho}, {interval}, of {one.runs} runs{little}."


def pictures_said(shown: HeadPictures) -> str:
    """What is shown of how many runs, and what instead."""
    count = len(shown.pictures)
    runs = count + shown.left_out + shown.unmeasured
    said = ""
    if shown.left_out:
        said = f"The first {MOST_PICTURES} of {runs} runs. "
    if shown.unmeasured:
        have = "has" if shown.unmeasured == 1 else "have"
        said += f"{shown.unmeasured} of {runs} runs {have} not been measured. "
    if shown.instead:
        have, as_they = ("has", "it is") if shown.instead == 1 else ("have", "they are")
        place = PLACES[shown.moment].lower()
        said += (
            f"{shown.instead} of {count} runs {have} no {place}: shown as {as_they} at the last."
        )
    if not said and shown.moment != LAST:
        said = f"Each at its own {MOMENTS[shown.moment].lower()}."
    return said.strip()
