"""Heads over seeds (Fig. 18): what the analyses of several runs found, and when heads learn alone,
joined; beside the published ones."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from app.schemas.analyses.read import AnalysisResult
from app.schemas.paper import tables
from app.schemas.paper.compared import OURS, Interval, correlation, latest, numbers_of, strengths_of
from app.schemas.paper.figure import PAPER, PublishedTable, TableRow
from app.schemas.paper.rules import LEVELS, Curves, Verdict, crossing
from app.schemas.paper.seeds import FIRST, OTHERS, main_name, time_label

SEEDS = (FIRST, *OTHERS)
LEARNED = LEVELS["0.4 ln 2"]
_SHOWN = (tables.SEED_STRENGTHS, tables.SEED_ACCURACY, tables.SEED_LOSS, tables.SEED_TIMES)
LEAST = 4  # pairs, for an interval of a correlation


class SeedHead(NamedTuple):
    """A head of a run: strength in the whole model; accuracy and loss (nats) alone; when it learns
    alone, in sequences: the end where it does not, None where that run has not ended."""

    seed: int
    head: int
    strength: float
    accuracy: float
    loss: float
    time: float | None


Results = Mapping[str, AnalysisResult]  # by the name of the run


def heads_here(results: Results, curves: Curves) -> list[SeedHead]:
    """All heads of the runs that were analysed."""
    return [
        SeedHead(seed, head, *numbers, _time(curves, seed, head))
        for seed in SEEDS
        if (result := results.get(main_name(seed))) is not None
        for head, numbers in enumerate(_numbers(result))
    ]


def heads_published() -> list[SeedHead]:
    """The same of the paper."""
    return [
        SeedHead(seed, head, strength, accuracy, loss, 1000 * time)
        for seed in SEEDS
        for head, (strength, accuracy, loss, time) in enumerate(_published(seed))
    ]


def _published(seed: int) -> Iterator[tuple[float, float, float, float]]:
    rows = [next(row for row in table.rows if row[0] == str(seed)) for table in _SHOWN]
    strengths, accuracies, losses, times = ([float(one or 0) for one in row[1:]] for row in rows)
    return zip(strengths, accuracies, losses, times, strict=True)


def _numbers(result: AnalysisResult) -> Iterator[tuple[float, float, float]]:
    alone = latest(result, "only")
    accuracies, losses = numbers_of(alone, "accuracy"), numbers_of(alone, "loss")
    return zip(strengths_of(result), accuracies, losses, strict=True)


def _time(curves: Curves, seed: int, head: int) -> float | None:
    curve = curves.get(time_label(seed, head))
    if curve is None:
        return None
    found = crossing(curve, LEARNED)
    return float(curve.sequences[-1]) if found is None and curve.is_whole else found


def seed_tables(heads: Sequence[SeedHead]) -> Iterator[PublishedTable]:
    """Correlations, then every number by seed and head, ours above the paper's."""
    yield _correlations(heads)
    names = ("strength", "accuracy", "loss", "time")
    for name, table in zip(names, _SHOWN, strict=True):
        ours = [_row(heads, seed, name) for seed in dict.fromkeys(one.seed for one in heads)]
        theirs = [(f"seed {row[0]}, {PAPER}", *row[1:]) for row in table.rows]
        yield PublishedTable(table.title, table.columns, [*ours, *theirs], table.unit, table.had)


def _row(heads: Sequence[SeedHead], seed: int, name: str) -> TableRow:
    unit = 1000 if name == "time" else 1
    numbers = [getattr(one, name) for one in heads if one.seed == seed]
    shown = (None if one is None else float(f"{one / unit:.4g}") for one in numbers)
    return (f"seed {seed}, {OURS}", *shown)


_PAIRS = {"accuracy": "accuracy alone", "loss": "loss alone", "time": "learning time alone"}


def _correlations(heads: Sequence[SeedHead]) -> PublishedTable:
    rows: list[TableRow] = []
    for name, said in _PAIRS.items():
        ours, theirs = (_correlated(some, name) for some in (heads, heads_published()))
        rows.append((f"strength and {said}", ours, theirs))
    return PublishedTable(
        "Correlations over all heads and seeds, with 95 % intervals",
        ("", OURS, PAPER),
        rows,
        "Pearson r; heads of one run are not independent, which the intervals do not know",
        tables.SEED_STRENGTHS.had,
    )


def _correlated(heads: Sequence[SeedHead], name: str) -> str:
    pairs = pairs_of(heads, name)
    if len(pairs) < LEAST:
        return "too few heads yet"
    return f"{correlation(*zip(*pairs, strict=True))}, {len(pairs)} heads"


def pairs_of(heads: Sequence[SeedHead], name: str) -> list[tuple[float, float]]:
    """Strength, and another number of every head that has it."""
    pairs = [(one.strength, getattr(one, name)) for one in heads]
    return [(strength, number) for strength, number in pairs if number is not None]


class SeedClaim(NamedTuple):
    """What the figure supports, and whether it holds here."""

    text: str
    verdict: Verdict


def seed_claims(heads: Sequence[SeedHead]) -> Iterator[SeedClaim]:
    """Signs, over all seeds that are here."""
    found = {
        name: correlation(*zip(*pairs, strict=True)) if len(pairs) >= LEAST else None
        for name in _PAIRS
        if (pairs := pairs_of(heads, name)) is not None
    }
    accuracy, loss, time = (found.get(name) for name in _PAIRS)
    seeds = len({one.seed for one in heads})
    yield SeedClaim(
        "Strength goes with accuracy alone.",
        Verdict(None if accuracy is None else accuracy.low > 0, _said(accuracy, seeds)),
    )
    yield SeedClaim(
        "Strength goes against loss alone.",
        Verdict(None if loss is None else loss.high < 0, _said(loss, seeds)),
    )
    is_loose = accuracy is not None and time is not None and abs(time.value) < accuracy.value
    yield SeedClaim(
        "Strength tells less of when a head learns alone than of how well it does alone.",
        Verdict(None if time is None else is_loose, _said(time, seeds)),
    )


def _said(found: Interval | None, seeds: int) -> str:
    return "too few heads yet" if found is None else f"r = {found}, {seeds} seeds"
