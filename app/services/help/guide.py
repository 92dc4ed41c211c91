"""The guide: what every measure is, how it is computed and where that comes from.

One text for the popovers beside the measures and for the page `/guide`. The facts are those of
`worker.science.measures` and `worker.science.phase_change`, which this process never imports.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.schemas.series import EVALUATED, EVALUATED_ON, HEADS, PAPER, Citation, Explanation


@dataclass(frozen=True)
class Word:
    """A word of the pages."""

    word: str
    meaning: str


@dataclass(frozen=True)
class Section:
    """Measures that belong together."""

    id: str
    title: str
    lead: str
    entries: Sequence[Explanation]


@dataclass(frozen=True)
class GuidePage:
    """Context of `help/guide.html`."""

    sections: Sequence[Section]
    words: Sequence[Word]
    paper: Citation


_PHASES = Citation("worker/science/phase_change.py")
_CHANCE = "c = ln(labels in context), ln 2 ≈ 0.693 in the paper"

_HEADS = (
    *HEADS,
    Explanation(
        id="composition",
        title="Composition score",
        says="How much of what a head writes a head of a later layer reads, from the weights "
        "alone: for its keys, its queries or its values. The norm's gain and centring are part of "
        "what is read; biases and rotary positions are left out. What unrelated heads score is not "
        "taken off the number: the circuit draws what is above it, or above the first frame. The "
        "paper's Fig. 11 has another score, of the plain weights ‖W_O W_X‖ / (‖W_O‖ ‖W_X‖) with X "
        "one of Q, K, V: the analysis of a run's wiring gives that.",
        formula="keys: ‖W_QK W_OV‖ / (‖W_QK‖ ‖W_OV‖), Frobenius norms, W_QK = W_Qᵀ W_K of the "
        "later head, W_OV = W_O W_V of the earlier; queries: W_QKᵀ, values: the later W_OV for "
        "W_QK",
        range="0 to 1; unrelated heads score 1 / √width on average (0.125 at width 64)",
        unit="none",
        sources=(
            Citation(
                "Elhage et al. 2021",
                "https://transformer-circuits.pub/2021/framework/index.html",
            ),
            Citation("worker/science/composition.py"),
        ),
    ),
)
_CHANGES = (
    Explanation(
        id="plateau",
        title="Plateau",
        says="Where the loss waits: the model knows which labels are in the context and guesses "
        "between them. It is reported only if it lasted: begun after the first measurement, and "
        "ended at least twice as late as it began.",
        formula=f"from the first training loss ≤ 1.2 c to the first ≤ 0.95 c, {_CHANCE}",
        range="places on the x axis",
        unit="sequences",
        sources=(Citation("the plateau of the paper's Fig. 3a", PAPER.url), _PHASES),
    ),
    Explanation(
        id="phase_change",
        title="Phase change: onset, midpoint, end",
        says="Where the training loss falls after the plateau, because a circuit has formed. "
        "Measurements are joined by straight lines; nothing is smoothed; NaN is passed over. Each "
        "place lies between the last measurement above its level and the first at or below it: so "
        "well the record of one run knows it, on the evaluator's own sequences. Other sequences "
        "and other seeds cross elsewhere: compare several.",
        formula=f"first training loss ≤ 0.95 c: onset; ≤ 0.5 c: midpoint; ≤ 0.1 c: end; {_CHANCE}",
        range="places on the x axis; – while not seen",
        unit="sequences",
        sources=(Citation("the drop of the paper's Fig. 3a", PAPER.url), _PHASES),
    ),
)
_MANY = (
    Explanation(
        id="rank_correlation",
        title="Rank correlation",
        says="Whether one number of the compared runs tends to be larger where another is: "
        "Spearman's, of their ranks, so that neither a log scale nor an outlier changes it. It is "
        "over the runs that have both numbers. The interval is that of an ordinary correlation, "
        "taken of the ranks: good enough to see what is worth a closer look, and no test. Fewer "
        "than ten runs tell little; of many pairs some are far from 0 by chance; and runs that "
        "differ in several settings at once do not say which of them it was.",
        formula="ρ = Pearson's r of the ranks, equal numbers sharing the mean of theirs; 95 % "
        "interval: tanh(atanh ρ ± 1.96 / √(n − 3))",
        range="−1 (always the other way round) to 1 (in the same order); 0: neither",
        unit="none",
        sources=(
            Citation("Spearman 1904", "https://doi.org/10.2307/1412159"),
            Citation("app/services/outcomes/correlations.py"),
        ),
    ),
)
SECTIONS = (
    Section(
        "metrics",
        "Measures of a model",
        "Measured at the query, as means over the fixed sequences of each evaluator.",
        EVALUATED,
    ),
    Section(
        "heads",
        "Measures of heads",
        "The strengths are means over the sequences of the train evaluator, with the run's own "
        "clamps on.",
        _HEADS,
    ),
    Section(
        "changes",
        "Plateau and phase change",
        "Found while the run trains, from the loss of the train evaluator.",
        _CHANGES,
    ),
    Section(
        "many",
        "Many runs at once",
        "On the page that compares runs, under “Settings and outcomes”: in what the configs "
        "differ, against what each run came to. Of a run that still trains that is its last "
        "measurement so far. Runs whose loss never dropped have no midpoint: they stay, and are "
        "said.",
        _MANY,
    ),
)
ENTRIES: Mapping[str, Explanation] = {
    entry.id: entry for section in SECTIONS for entry in section.entries
}
WORDS = (
    Word(
        "Sequence",
        "One training example: exemplars with their labels, then a query exemplar whose label is "
        "to be found in the context. Every curve is drawn against the sequences seen.",
    ),
    Word("Run", "One model, trained once from one config. It can be paused, resumed and forked."),
    Word("Study", "Runs launched together: a sweep, a fan of seeds, a figure of the paper."),
    Word(
        "Clamp",
        "One change at a place inside the model, on during the whole training: artificial "
        "optogenetics. All clamps of a run are its program.",
    ),
    Word("Driven", "Blue: something is set to a given value, such as a head's attention pattern."),
    Word("Silenced", "Amber: something is taken away, such as what a head writes."),
    Word("Preserved", "Violet: something stays as it is in another pass through the model."),
    Word(
        "Evaluator",
        "A fixed set of sequences. "
        + " ".join(
            f"{name.replace('_', ' ').capitalize()}: {says}." for name, says in EVALUATED_ON.items()
        ),
    ),
    Word(
        "Analysis",
        "A question about the weights that a run saved, answered over all sequences of its task: "
        "heads removed or kept alone, which head feeds which, any clamps on a trained model.",
    ),
    Word(
        "Sub-circuits A, B, C",
        "What the steps of the circuit make together. A: each label takes the exemplar before it "
        "(steps 1, 2). B: the query finds its like (3q, 3k, 4). C: its label is copied to the "
        "output (3v, 5).",
    ),
    Word("Measurement", "What a run reports at one number of sequences seen."),
    Word(
        "Probe and frame",
        "The probe is a small fixed set of sequences; a frame is every head's attention on it at "
        "one number of sequences seen. The time line at the foot of a run's page goes through the "
        "frames.",
    ),
    Word("Checkpoint", "The weights, saved. A run can be forked there, with other clamps."),
    Word(
        "Induction circuit",
        "A previous-token head copies each exemplar to its label's place; an induction head then "
        "finds the label whose exemplar is like the query, and copies it to the output.",
    ),
)


def guide_page() -> GuidePage:
    """All of it."""
    return GuidePage(sections=SECTIONS, words=WORDS, paper=PAPER)


def explained(*ids: str) -> list[Explanation]:
    """The entries called so; an unknown id is a mistake in a template."""
    return [ENTRIES[id] for id in ids]
