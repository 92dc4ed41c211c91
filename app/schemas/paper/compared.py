"""Numbers of an analysis beside the published ones: a function for each table of the paper.

Heads of the published runs have the numbers that they have there; what a head does depends on the
initial weights. So heads are compared by rank: the strongest of ours beside the strongest of the
paper's, by induction strength in the whole model.
"""

import math
import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from app.schemas.analyses.read import AnalysisResult, CellRead
from app.schemas.paper import tables
from app.schemas.paper.figure import PAPER, PublishedTable, TableRow

OURS = "ours"
RANKS = ("strongest", "2nd", "3rd", "4th", "5th", "6th", "7th", "8th")
PUBLISHED_STRENGTHS = tuple(float(one or 0) for one in tables.STRENGTHS.rows[0][1:])
NORMAL_95 = 1.96


class Interval(NamedTuple):
    """An estimate with its 95 % confidence interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} (95 %: {self.low:.3f} to {self.high:.3f})"


def correlation(x: Sequence[float], y: Sequence[float]) -> Interval:
    """Pearson's r of n > 3 pairs, its interval by Fisher's z: atanh r ± 1.96 / sqrt(n - 3)."""
    r = statistics.correlation(x, y)
    z, half = math.atanh(max(-1 + 1e-12, min(r, 1 - 1e-12))), NORMAL_95 / math.sqrt(len(x) - 3)
    return Interval(r, math.tanh(z - half), math.tanh(z + half))


def latest(result: AnalysisResult, *groups: str) -> list[CellRead]:
    """Cells of the last checkpoint, of some groups."""
    last = result.cells[-1].checkpoint
    return [cell for cell in result.cells if cell.checkpoint == last and cell.group in groups]


def strengths_of(result: AnalysisResult) -> list[float]:
    """Of the heads of the last layer, in the model as it is."""
    return latest(result, "none")[-1].induction_strength[-1]


def by_strength(strengths: Sequence[float]) -> list[int]:
    """Heads, the strongest first."""
    return sorted(range(len(strengths)), key=lambda head: -strengths[head])


def numbers_of(cells: Iterable[CellRead], shown: str) -> list[float]:
    """A number of each cell, by its head."""
    return [getattr(cell, shown) for cell in sorted(cells, key=lambda cell: cell.head or 0)]


def strengths_table(result: AnalysisResult) -> PublishedTable:
    strengths = strengths_of(result)
    return _by_rank(tables.STRENGTHS, result, [strengths])


def growth_table(result: AnalysisResult) -> PublishedTable:
    """Of the head that is the strongest at the end, at the checkpoints nearest to the places."""
    head = by_strength(strengths_of(result))[0]
    places = (150_000, 200_000, 250_000, 300_000, 400_000, 600_000, 800_000)
    ours = [_nearest(result.cells, place).induction_strength[-1][head] for place in places]
    return _beside(
        tables.STRENGTH_GROWTH,
        [(f"head {head}, {OURS}", *map(_number, ours))],
        title="Induction strength of the strongest head along the training",
    )


def accuracy_table(result: AnalysisResult) -> PublishedTable:
    return _by_rank(tables.ONLY_ACCURACY, result, [numbers_of(latest(result, "only"), "accuracy")])


def loss_table(result: AnalysisResult) -> PublishedTable:
    return _by_rank(tables.ONLY_LOSS, result, [numbers_of(latest(result, "only"), "loss")])


def correlation_table(result: AnalysisResult) -> PublishedTable:
    found = correlation(strengths_of(result), numbers_of(latest(result, "only"), "accuracy"))
    row: TableRow = (f"Pearson r, {OURS}", _number(found.value), *(None,) * 5)
    return _beside(tables.CORRELATION, [row])


def added_table(result: AnalysisResult) -> PublishedTable:
    rows: list[TableRow] = []
    for group, said in (("add_back", "the strongest first"), ("add_back_rest", "without it")):
        losses = [_number(cell.loss) for cell in latest(result, group)][:7]
        rows.append((f"{said}, {OURS}", *losses, *(None,) * (7 - len(losses))))
    return _beside(tables.ADD_BACK, rows)


def progress_table(result: AnalysisResult) -> PublishedTable:
    rows = [_along(result, group, _THOUSANDS_10, "") for group in ("look_back", "match")]
    return _beside(tables.PROGRESS, rows)


def direct_table(result: AnalysisResult) -> PublishedTable:
    rows = [_along(result, group, _THOUSANDS_12, "none") for group in ("way_0", "way_1")]
    return _beside(tables.DIRECT_LOSS, rows)


def direct_accuracy_table(result: AnalysisResult) -> PublishedTable:
    whole, without = latest(result, "none")[-1].accuracy, latest(result, "way_0")[-1].accuracy
    return _beside(tables.DIRECT, [(OURS, _number(whole), _number(without))])


def sets_table(result: AnalysisResult) -> PublishedTable:
    rows: list[TableRow] = []
    for group in ("looking_back", "others"):
        cells = [latest(result, f"{group}_{way}") for way in ("patterns", "values")]
        heads = ", ".join(map(str, _silent(result, group)))
        rows.append((f"{heads}, {OURS}", *(_number(c[-1].accuracy) if c else None for c in cells)))
    return _beside(tables.PREVIOUS_TOKEN_SETS, rows)


def recovered_table(result: AnalysisResult) -> PublishedTable:
    shares = recovered(result, "only")
    accuracies = numbers_of(latest(result, "only"), "accuracy")
    return _by_rank(tables.RECOVERED, result, [shares, accuracies], title=_MISTAKES)


def recovered_perfect_table(result: AnalysisResult) -> PublishedTable:
    shares = recovered(result, "matched")
    accuracies = numbers_of(latest(result, "matched"), "accuracy")
    ratios = [share / accuracy for share, accuracy in zip(shares, accuracies, strict=True)]
    numbers = [shares, accuracies, ratios]
    title = f"With a perfect match: {_MISTAKES[0].lower()}{_MISTAKES[1:]}"
    return _by_rank(tables.RECOVERED_PERFECT, result, numbers, title=title)


def perfect_table(result: AnalysisResult) -> PublishedTable:
    accuracies = numbers_of(latest(result, "matched"), "accuracy")
    return _by_rank(tables.PERFECT_ACCURACY, result, [accuracies])


def labels_table(result: AnalysisResult) -> PublishedTable:
    """Each head of ours above the one of the paper that has its rank."""
    heads = {cell.head: cell for cell in latest(result, "matched")}
    rows: list[TableRow] = []
    ranks = zip(by_strength(strengths_of(result)), by_strength(PUBLISHED_STRENGTHS), strict=True)
    for own, theirs in ranks:
        shares = (_number(row["accuracy"]) for row in heads[own].by_label or [])
        rows.append((f"head {own}, {OURS}", *shares))
        rows.append((f"head {theirs}, {PAPER}", *tables.BY_LABEL.rows[theirs][1:]))
    shown = tables.BY_LABEL
    return PublishedTable(shown.title, shown.columns, rows, shown.unit, shown.had)


def links_table(result: AnalysisResult) -> PublishedTable:
    """The strongest links of Fig. 11, which its tables show whole."""
    keys, values, keys_lost, values_lost = map(_link, strongest_links(result))
    rows: list[TableRow] = [
        (f"one head alone: accuracy, {OURS}", keys, values),
        (f"lost without one: change of accuracy, {OURS}", keys_lost, values_lost),
    ]
    return _beside(tables.LINKS, rows)


class WiringLink(NamedTuple):
    """What a head of the earlier layer is worth to one of the later."""

    earlier: int
    later: int
    worth: float


def strongest_links(result: AnalysisResult) -> list[WiringLink]:
    """Kept alone, values preserved (keys and queries carry it) and patterns preserved (values do);
    then removed, the same."""
    groups = ("only_values", "only_patterns", "remove_values", "remove_patterns")
    return [_strongest_link(result, group) for group in groups]


def _strongest_link(result: AnalysisResult, group: str) -> WiringLink:
    base = {cell.head: cell.accuracy for cell in latest(result, "base")}
    is_removed = group.startswith("remove")
    links = [
        WiringLink(
            cell.other or 0,
            cell.head or 0,
            cell.accuracy - (base[cell.head] if is_removed else 0.0),
        )
        for cell in latest(result, group)
    ]
    order = sorted(links, key=lambda link: link.worth)
    return order[0] if is_removed else order[-1]


def recovered(result: AnalysisResult, group: str) -> list[float]:
    """Of the mistakes of the strongest head alone, the share that each other one gets right."""
    strongest = by_strength(strengths_of(result))[0]
    row = next(one for one in reversed(result.recovery) if one.group == group).share[strongest]
    return [0.0 if share is None else share for share in row]


_MISTAKES = "Of the mistakes of the strongest head alone, the share that another gets right"
_THOUSANDS_10 = (50, 100, 150, 200, 250, 300, 400, 590)
_THOUSANDS_12 = (0, 5, 20, 100, 150, 200, 250, 300, 400, 600, 1000)


def _link(link: WiringLink) -> str:
    return f"{link.earlier} → {link.later}: {link.worth:.3f}"


def _by_rank(
    published: PublishedTable,
    result: AnalysisResult,
    numbers: Sequence[Sequence[float]],
    title: str = "",
) -> PublishedTable:
    """Rows of ours and of the paper's below each other, heads in the order of their strengths."""
    ours, theirs = by_strength(strengths_of(result)), by_strength(PUBLISHED_STRENGTHS)
    rows: list[TableRow] = [
        (f"head, {OURS}", *map(str, ours)),
        (f"head, {PAPER}", *map(str, theirs)),
    ]
    for own, row in zip(numbers, published.rows, strict=True):
        label = "strength" if row[0] == "5" else row[0]
        rows.append((f"{label}, {OURS}", *(_number(own[head]) for head in ours)))
        rows.append((f"{label}, {PAPER}", *(row[1 + head] for head in theirs)))
    columns = ("", *RANKS[: len(ours)])
    return PublishedTable(title or published.title, columns, rows, published.unit, published.had)


def _beside(published: PublishedTable, ours: Sequence[TableRow], title: str = "") -> PublishedTable:
    """Ours above the published rows, in the same columns."""
    theirs = [(f"{row[0]}, {PAPER}" if row[0] else PAPER, *row[1:]) for row in published.rows]
    return PublishedTable(
        title or published.title, published.columns, [*ours, *theirs], published.unit, published.had
    )


def _along(result: AnalysisResult, group: str, thousands: Sequence[int], less: str) -> TableRow:
    """Losses of a group at places, less those of another group at the same checkpoint."""
    own = [cell for cell in result.cells if cell.group == group]
    base = {cell.checkpoint: cell.loss for cell in result.cells if cell.group == less}
    found = [_nearest(own, 1000 * place) for place in thousands]
    losses = [cell.loss - base.get(cell.checkpoint, 0.0) for cell in found]
    return (f"{own[0].name}, {OURS}", *map(_number, losses))


def _nearest(cells: Sequence[CellRead], place: int) -> CellRead:
    return min(cells, key=lambda cell: abs(cell.checkpoint - place))


def _silent(result: AnalysisResult, group: str) -> Sequence[int]:
    if group == "looking_back":
        return sorted(result.looking_back)
    heads = len(strengths_of_any(result))
    return [head for head in range(heads) if head not in result.looking_back]


def strengths_of_any(result: AnalysisResult) -> list[float]:
    """Of the heads of the last layer, whatever the program."""
    return result.cells[-1].induction_strength[-1]


def _number(number: float) -> float:
    return float(f"{number:.5g}")
