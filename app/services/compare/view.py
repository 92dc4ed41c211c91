"""What a comparison shows and how; the page's address holds all of it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from app.errors import Invalid
from app.schemas.series import INDUCTION
from app.services.charts.curves import EACH
from app.services.compare.series import series_or_error

OVERLAY, PANELS = "overlay", "panels"
SEQUENCES, MIDPOINT = "sequences", "midpoint"
VIEWS = {OVERLAY: "One chart", PANELS: "Small charts"}
ALIGNMENTS = {SEQUENCES: "Sequences seen", MIDPOINT: "Midpoint of the phase change"}
MOST_SMOOTHING = 0.99
PATH = "/compare"


@dataclass(frozen=True)
class CompareView:
    """A comparison as it was asked for."""

    runs: tuple[str, ...] = ()
    series: str = "loss.train"
    group: str = EACH
    view: str = OVERLAY
    align: str = SEQUENCES
    baseline: str = ""  # the run that is subtracted from the others
    smoothing: float = 0.0
    xlog: bool = False
    ylog: bool = False
    hidden: tuple[str, ...] = ()  # runs, or labels of groups
    start: int | None = None  # the part of the x axis that is looked at
    end: int | None = None
    outcomes: bool = False  # whether settings and outcomes are open, and what they show:
    x: str = ""  # which settings or outcomes are drawn against each other; empty: the usual ones
    y: str = ""
    heads: str = INDUCTION.id
    moment: str = MIDPOINT
    place: int | None = None  # of two runs side by side, in sequences; None: where one begins

    @property
    def is_difference(self) -> bool:
        return bool(self.baseline)

    @property
    def is_aligned(self) -> bool:
        return self.align == MIDPOINT


_NAMES = {"start": "from", "end": "to"}
USUAL = CompareView()


def query_of(view: CompareView) -> str:
    """The view as a query: only what is not as usual."""
    changed = {
        _NAMES.get(name, name): value
        for name, value in vars(view).items()
        if value != getattr(USUAL, name) and name not in ("runs", "hidden")
    }
    flags = {name: "1" if value is True else value for name, value in changed.items()}
    pairs = [("runs", ",".join(view.runs)), *flags.items(), *(("hidden", h) for h in view.hidden)]
    return urlencode(pairs, safe=",.")


def address_of(view: CompareView) -> str:
    """The page that shows it."""
    return f"{PATH}?{query_of(view)}" if view.runs else PATH


def unique(runs: Sequence[str]) -> tuple[str, ...]:
    """Ids from queries such as `a,b` or `a&runs=b`, each once, in their order."""
    names = (name.strip() for part in runs for name in part.split(","))
    return tuple(dict.fromkeys(name for name in names if name))


def faults(
    view: CompareView, groups: Mapping[str, str], runs: Collection[str]
) -> Iterator[tuple[str, str]]:
    """Which parts of a view cannot be, and why."""
    try:
        series_or_error(view.series)
    except Invalid as error:
        yield "series", error.detail
    if view.view not in VIEWS:
        yield "view", f"There is no view {view.view!r}; write {' or '.join(VIEWS)}."
    if view.align not in ALIGNMENTS:
        yield "align", f"Nothing is aligned by {view.align!r}; write {' or '.join(ALIGNMENTS)}."
    if view.group not in groups:
        known = ", ".join(groups)
        yield "group", f"These runs cannot be grouped by {view.group!r}; there are {known}."
    if view.baseline and view.baseline not in runs:
        yield "baseline", f"The baseline {view.baseline!r} is none of the compared runs."


def settled(
    view: CompareView, groups: Mapping[str, str], runs: Collection[str]
) -> tuple[CompareView, list[str]]:
    """The view with what cannot be set to what is usual, and sentences that say so."""
    found = dict(faults(view, groups, runs))
    usual = {name: getattr(USUAL, name) for name in found}
    return replace(view, **usual), list(found.values())


def check(view: CompareView, groups: Mapping[str, str], runs: Collection[str]) -> None:
    """Raises `Invalid` for the first part of a view that cannot be."""
    for name, sentence in faults(view, groups, runs):
        raise Invalid(sentence, loc=f"query/{name}")
