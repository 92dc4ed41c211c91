"""Claims of the paper as rules about analyses: signs and orders, which any data set should show."""

import itertools
import math

from app.schemas.analyses.read import AnalysisResult
from app.schemas.paper.compared import (
    by_strength,
    correlation,
    latest,
    numbers_of,
    recovered,
    strengths_of,
    strongest_links,
)
from app.schemas.paper.rules import (
    HALF,
    LEVELS,
    Curves,
    Finding,
    MeasuredCurve,
    Verdict,
    crossing,
    thousands,
)

CLEAR = 0.2  # induction strength from which a head counts as one that has formed
SPARE = 0.95  # accuracy that is left where a head is not needed
MUCH = 0.02  # of accuracy, lost without a head that is read
PLATEAU_END, DROP_END = 0.9 * math.log(2), 0.1


def form_together(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 3b: each head that forms reaches half of its strength while the loss drops."""
    places = [cell.checkpoint for cell in result.cells]
    loss = MeasuredCurve(places, [cell.loss for cell in result.cells])
    start, end = crossing(loss, PLATEAU_END), crossing(loss, DROP_END)
    ends = strengths_of(result)
    formed = [head for head, strength in enumerate(ends) if strength >= CLEAR]
    halves = [
        crossing(
            MeasuredCurve(places, [-cell.induction_strength[-1][head] for cell in result.cells]),
            -ends[head] / 2,
        )
        for head in formed
    ]
    known = [place for place in halves if place is not None]
    if start is None or end is None or not known:
        return Verdict(None, "the loss does not drop, or no head forms")
    said = (
        f"{len(formed)} heads reach half of their strength from {thousands(min(known))} to "
        f"{thousands(max(known))}; the loss falls from 0.9 ln 2 to 0.1 from {thousands(start)} to "
        f"{thousands(end)}"
    )
    return Verdict(all(start <= place <= end for place in known), said)


def stronger_answers_better(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 4a: over heads, strength and accuracy alone go together."""
    found = correlation(strengths_of(result), numbers_of(latest(result, "only"), "accuracy"))
    return Verdict(found.low > 0, f"r = {found}, {len(strengths_of(result))} heads; paper .959")


def stronger_loses_less(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 13: the same of losses."""
    found = correlation(strengths_of(result), numbers_of(latest(result, "only"), "loss"))
    return Verdict(found.high < 0, f"r = {found}, {len(strengths_of(result))} heads")


def no_head_is_needed(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 4a: without any one head the others still answer."""
    worst = min(latest(result, "remove"), key=lambda cell: cell.accuracy)
    said = f"{worst.name}, the least is left: {worst.accuracy:.4f}; paper .987 without its head 3"
    return Verdict(worst.accuracy >= SPARE, said)


def heads_add_up(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 14: every further head makes the loss smaller, in both orders."""
    orders = [[cell.loss for cell in latest(result, g)] for g in ("add_back", "add_back_rest")]
    steps = [pair for losses in orders for pair in itertools.pairwise(losses)]
    worse = sum(later > before for before, later in steps)
    said = (
        f"{worse} of {len(steps)} further heads make it larger; {orders[0][0]:.3f} nats with the "
    )
    return Verdict(worse == 0, f"{said}strongest alone, {orders[1][0]:.3f} with the second alone")


def _measure(result: AnalysisResult, group: str) -> MeasuredCurve:
    cells = [cell for cell in result.cells if cell.group == group]
    return MeasuredCurve([c.checkpoint for c in cells], [c.loss for c in cells])


def measures_are_later(group: str, run: str) -> Finding:
    """Fig. 10: what a progress measure shows as learned was learned sooner under the clamp."""

    def rule(result: AnalysisResult, curves: Curves) -> Verdict:
        if run not in curves:
            return Verdict(None, f"not made yet: {run}")
        clamped, measure = (
            crossing(one, LEVELS[HALF]) for one in (curves[run], _measure(result, group))
        )
        said = f"{HALF} at: clamped training {thousands(clamped)}, measure {thousands(measure)}"
        if clamped is None:
            return Verdict(None if measure is None else False, said)
        return Verdict(measure is None or measure > clamped, said)

    return rule


def output_reads_layer_2(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 12: in the end layer 2 alone writes what is answered."""
    added = [_added(result, way)[-1][1] for way in ("way_0", "way_1")]
    said = (
        f"at the end {added[0]:.3f} nats more without layer 1's way, {added[1]:.3f} without layer 2"
    )
    return Verdict(added[0] < added[1] / 10, said)


def layer_1_matters_early(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 12: what layer 1 writes into the output directly matters most before the drop."""
    peak = max(_added(result, "way_0"), key=lambda one: one[1])
    half = crossing(_measure(result, "none"), LEVELS[HALF])
    said = f"most at {thousands(peak[0])}, {peak[1]:.3f} nats; {HALF} at {thousands(half)}"
    return Verdict(None if half is None else peak[0] < half, said)


def _added(result: AnalysisResult, group: str) -> list[tuple[int, float]]:
    whole = {cell.checkpoint: cell.loss for cell in result.cells if cell.group == "none"}
    return [(c.checkpoint, c.loss - whole[c.checkpoint]) for c in result.cells if c.group == group]


def keys_look_back(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 11: the strongest link by keys comes from a head that looks back, by values from one
    that does not."""
    keys, values, *_rest = strongest_links(result)
    looking = ", ".join(map(str, sorted(result.looking_back)))
    said = f"keys from head {keys.earlier}, values from head {values.earlier}; looking back: "
    holds = keys.earlier in result.looking_back and values.earlier not in result.looking_back
    return Verdict(holds, f"{said}{looking}")


def wired_many_to_many(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 11: most heads of layer 2 read several heads of layer 1."""
    base = {cell.head: cell.accuracy for cell in latest(result, "base")}
    cells = latest(result, "remove_values", "remove_patterns")
    read = {
        later: {c.other for c in cells if c.head == later and c.accuracy < base[later] - MUCH}
        for later in base
    }
    several = [later for later, earlier in read.items() if len(earlier) > 1]
    said = f"{len(several)} of {len(base)} lose more than {MUCH} of accuracy without any of several"
    return Verdict(2 * len(several) > len(base), said)


def keys_need_them(result: AnalysisResult, _: Curves) -> Verdict:
    """Table 1: with values preserved, heads that look back are missed more than all others."""
    own, others = (latest(result, f"{one}_values") for one in ("looking_back", "others"))
    return _less(own[-1].accuracy, others[-1].accuracy, "values preserved")


def values_need_others(result: AnalysisResult, _: Curves) -> Verdict:
    """Table 1: with patterns preserved, the others are missed more."""
    own, others = (latest(result, f"{one}_patterns") for one in ("looking_back", "others"))
    return _less(others[-1].accuracy, own[-1].accuracy, "patterns preserved", is_turned=True)


def _less(less: float, more: float, way: str, *, is_turned: bool = False) -> Verdict:
    own, others = (more, less) if is_turned else (less, more)
    said = f"{way}: {own:.4f} without those that look back, {others:.4f} without the others"
    return Verdict(less < more, said)


def labels_differ(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 16: heads that fail do so on different labels."""
    worst = {}
    for cell in latest(result, "matched"):
        if cell.accuracy < SPARE and cell.by_label:
            row = min(cell.by_label, key=lambda one: one["accuracy"])
            worst[cell.head] = int(row["label"])
    said = ", ".join(f"head {head}: {label}" for head, label in worst.items())
    if len(worst) < 2:
        return Verdict(None, "fewer than two heads fail with a perfect match")
    return Verdict(len({*worst.values()}) > 1, f"the worst label of {said}")


def stronger_copies_better(result: AnalysisResult, _: Curves) -> Verdict:
    """Fig. 16a: heads that match better copy better, too."""
    found = correlation(strengths_of(result), numbers_of(latest(result, "matched"), "accuracy"))
    return Verdict(found.low > 0, f"r = {found}, {len(strengths_of(result))} heads")


def others_recover(group: str) -> Finding:
    """Tables 2, 3: some other head gets right more than half of what the strongest gets wrong."""

    def rule(result: AnalysisResult, _: Curves) -> Verdict:
        shares, strongest = recovered(result, group), by_strength(strengths_of(result))[0]
        own = next(cell for cell in latest(result, group) if cell.head == strongest)
        if not own.mistakes:
            return Verdict(None, f"head {strongest} makes no mistakes")
        best = max(
            (head for head in range(len(shares)) if head != strongest), key=shares.__getitem__
        )
        said = f"head {best} gets {shares[best]:.3f} of the {own.mistakes} mistakes of head "
        return Verdict(shares[best] > 0.5, f"{said}{strongest} right")

    return rule
