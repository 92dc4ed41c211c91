"""Every measure that a run reports, said once: figures, lists, tables, guide, API and scripts read
it here.

A series is a measure at one place: `loss.train`, `induction_strength.L1H3`. Measures of evaluators
have a number for each of `EVALUATORS`; measures of heads one for every head, from the `train`
evaluator. To add one of a head: an entry here, its field in `schemas.measure.Measurement`, its
column in `db.models.MeasurementRow` and its function in `worker.science.measures`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, create_model

from app.schemas.measure import Evaluator, Metric

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Citation:
    """Where a definition comes from."""

    text: str
    url: str = ""


@dataclass(frozen=True)
class Explanation:
    """A measure as the guide explains it: its formula, and between which numbers it lies."""

    id: str
    title: str
    says: str
    formula: str
    range: str
    unit: str
    sources: tuple[Citation, ...]


@dataclass(frozen=True)
class Measure(Explanation):
    """One that has series: what its axis and its column are called, besides."""

    axis: str  # the unit as an axis says it
    csv_unit: str = ""  # what its columns end in; nothing for shares and strengths

    @property
    def figure(self) -> str:
        """What its figure is called in addresses."""
        return self.id


@dataclass(frozen=True)
class HeadMeasure(Measure):
    """One of every head, from `lowest` to `highest`.

    `scale`: of its picture; diverging where the middle means nothing. `layer`: which one charts
    show first, where such heads form. `zero`: what 0 means, if its axis is to say so; `below`:
    what numbers below it mean, said under charts that have any.
    """

    lowest: float = 0
    highest: float = 1
    scale: Literal["sequential", "diverging"] = "sequential"
    layer: Literal["first", "last"] = "last"
    zero: str = ""
    below: str = ""

    @property
    def kind(self) -> str:
        """`induction` for `induction_strength`: the word for such heads, as series write it."""
        return self.id.removesuffix("_strength")

    @property
    def figure(self) -> str:
        return self.kind

    @property
    def word(self) -> str:
        """The same for people: `previous-token`."""
        return self.kind.replace("_", "-")

    @property
    def axis_and_zero(self) -> str:
        return f"{self.axis}, 0: {self.zero}" if self.zero else self.axis

    def shown_layer(self, layers: int) -> int:
        """The layer of a model that charts show first."""
        return layers - 1 if self.layer == "last" else 0


PAPER = Citation(
    "Singh et al. 2024, What needs to go right for an induction head?",
    "https://arxiv.org/abs/2404.07129",
)
CODE = "https://github.com/aadityasingh/icl-dynamics"
_FORMULAS = Citation("worker/science/measures.py")
_SHARE = "share of the sequences, 0 to 1"

EVALUATED: tuple[Measure, ...] = (
    Measure(
        id=Metric.LOSS.value,
        title="Loss",
        says="How surprised the model is by the right label at the query, over all labels of the "
        "task. A model that knows which labels are in the context and guesses between two of them "
        "scores ln 2, the dashed line.",
        formula="mean over sequences of −ln p(right label)",
        range="0 (certain and right) and up; ln(labels) for a model that knows nothing",
        unit="nats",
        sources=(Citation("the paper's Fig. 3a", PAPER.url), _FORMULAS),
        axis="nats",
        csv_unit="nats",
    ),
    Measure(
        id=Metric.ACCURACY.value,
        title="Accuracy",
        says="How often the right label has the largest logit of all labels of the task.",
        formula="mean over sequences of [argmax over all labels = right label]",
        range="0 to 1; about 1 / 2 while the model guesses between two labels of the context",
        unit=_SHARE,
        sources=(Citation("the paper's Fig. 4a", PAPER.url), _FORMULAS),
        axis="share of sequences",
    ),
    Measure(
        id=Metric.IN_CONTEXT_ACCURACY.value,
        title="Accuracy among the labels in context",
        says="The same, but only labels that occur in the context may win. It asks whether the "
        "model picks the right one of them, not whether it knows which ones there are.",
        formula="mean over sequences of [argmax over the labels in the context = right label]",
        range="0 to 1; 1 / (labels in context) is guessing",
        unit=_SHARE,
        sources=(Citation("the published code", CODE), _FORMULAS),
        axis="share of sequences",
    ),
    Measure(
        id=Metric.CORRECT_PROBABILITY.value,
        title="Probability of the right label",
        says="The probability that the model gives to the right label.",
        formula="mean over sequences of p(right label)",
        range="0 to 1",
        unit="probability",
        sources=(Citation("the published code", CODE), _FORMULAS),
        axis="probability",
    ),
    Measure(
        id=Metric.CONTEXT_PROBABILITY.value,
        title="Probability of the labels in context",
        says="The probability that the model gives to the labels of the context together. It "
        "rises early: that these labels are likely is learnt long before which of them is right.",
        formula="mean over sequences of Σ p(label) over the labels in the context",
        range="0 to 1; (labels in context) / labels for a model that knows nothing",
        unit="probability",
        sources=(Citation("the published code", CODE), _FORMULAS),
        axis="probability",
    ),
)

INDUCTION = HeadMeasure(
    id="induction_strength",
    title="Induction strength",
    says="How much more the query looks at the right label than at the wrong one, for every "
    "head. Clamping a pattern to induction with strength s fixes it at 2s − 1.",
    formula="mean over sequences of A(query → right label) − A(query → wrong labels)",
    range="−1 to 1: 1 is a perfect induction head, 0 has no preference",
    unit="attention",
    sources=(Citation("the paper's Fig. 3b", PAPER.url), _FORMULAS),
    axis="attention, correct − wrong",
    lowest=-1,
    scale="diverging",
    below="below 0: the query looks at the wrong labels more than at the right one",
)
PREVIOUS_TOKEN = HeadMeasure(
    id="previous_token_strength",
    title="Previous-token strength",
    says="How much the label tokens look at the token just before them, their exemplar, "
    "corrected for what uniform attention would give, for every head.",
    formula="mean over label tokens i and sequences of a − (1 − a) / i, "
    "a = A(i → i − 1); token i sees i others besides",
    range="1: all attention goes one token back; 0: attention is uniform; below: it avoids it",
    unit="attention, corrected for chance",
    sources=(Citation("the published code, visualize_runs.py", CODE), _FORMULAS),
    axis="attention one back",
    layer="first",
    zero="uniform",
    below="below 0: the label tokens look back less than uniform attention would",
)
# Of the evaluators, as the chart and the guide say them; see `schemas.measure.Evaluator`.
EVALUATED_ON: Mapping[Evaluator, str] = {
    Evaluator.TRAIN: "classes, exemplars and label pairs of training",
    Evaluator.NEW_LABEL_PAIRS: "pairs of labels that no training sequence has together",
    Evaluator.NEW_EXEMPLARS: "other drawings of the training classes: what its loss is above that "
    "of train, the model knows of the trained drawings by heart",
    Evaluator.NEW_CLASSES: "classes never trained on",
}
HEADS: tuple[HeadMeasure, ...] = (INDUCTION, PREVIOUS_TOKEN)

MEASURES: Mapping[str, Measure] = {measure.id: measure for measure in (*EVALUATED, *HEADS)}
HEADS_BY_KIND: Mapping[str, HeadMeasure] = {measure.kind: measure for measure in HEADS}
# In the order of the layers that they show first, as the panels of a page stand.
PANELS: tuple[HeadMeasure, ...] = tuple(sorted(HEADS, key=lambda one: one.layer == "last"))


def for_each_head(kind: object) -> Callable[[type[Model]], type[Model]]:
    """Gives a model a field of this type for every measure of heads, after its own."""
    return _with_fields({measure.id: (kind, ...) for measure in HEADS})


def for_each_panel(
    kind: object, default: object, name: str
) -> Callable[[type[Model]], type[Model]]:
    """The same in the order of the panels; `name` says how the field is called."""
    return _with_fields({name.format(measure): (kind, default) for measure in PANELS})


def _with_fields(fields: dict[str, Any]) -> Callable[[type[Model]], type[Model]]:
    def extended(model: type[Model]) -> type[Model]:
        return create_model(
            model.__name__, __base__=model, __doc__=model.__doc__, __module__=model.__module__,
            **fields,
        )  # fmt: skip

    return extended
