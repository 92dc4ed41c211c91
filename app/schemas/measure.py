"""What a run reports: measures, measurements, phase changes and probes."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class Evaluator(StrEnum):
    """Fixed sets of sequences; every measurement evaluates all four (docs: paper section 2.5)."""

    TRAIN = "train"  # classes, exemplars and label pairs of training
    NEW_LABEL_PAIRS = "new_label_pairs"  # label pairs never trained on
    NEW_EXEMPLARS = "new_exemplars"  # other drawings of the training classes
    NEW_CLASSES = "new_classes"  # classes never trained on


EVALUATORS: tuple[Evaluator, ...] = tuple(Evaluator)


class Metric(StrEnum):
    """Measures per evaluator, each the mean over its sequences, at the query."""

    LOSS = "loss"  # cross-entropy over all labels, nats
    ACCURACY = "accuracy"  # share of sequences whose largest logit is the right label
    IN_CONTEXT_ACCURACY = "in_context_accuracy"  # the same among the labels of the context
    CORRECT_PROBABILITY = "correct_probability"  # probability of the right label
    CONTEXT_PROBABILITY = "context_probability"  # probability mass on the context's labels


METRICS: tuple[Metric, ...] = tuple(Metric)


class Measurement(BaseModel):
    """What a run reports at one value of `sequences`, before the update that follows it.

    Every metric has one number per evaluator, in the order of `EVALUATORS`. Strengths are
    `[layer][head]`, means over the `train` evaluator:
    `induction_strength` is attention of the query to the right label tokens minus that to the
    wrong ones (-1 to 1); `previous_token_strength` is the mean over the label tokens i of
    a - (1 - a) / i, where a is the attention of token i to token i - 1: 0 when attention is
    uniform, 1 when all of it goes there.
    """

    # NaN and infinity travel as such between our own processes; the API says them otherwise.
    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")

    sequences: int
    elapsed_seconds: float  # training time so far, over all attempts
    loss: tuple[float, ...]
    accuracy: tuple[float, ...]
    in_context_accuracy: tuple[float, ...]
    correct_probability: tuple[float, ...]
    context_probability: tuple[float, ...]
    induction_strength: tuple[tuple[float, ...], ...]
    previous_token_strength: tuple[tuple[float, ...], ...]


class CompositionKind(StrEnum):
    """What a head makes of what an earlier one wrote: Q-, K- or V-composition (Elhage et al. 2021).

    Computed in `worker.science.composition`.
    """

    QUERY = "q"
    KEY = "k"
    VALUE = "v"


COMPOSITION_KINDS: tuple[CompositionKind, ...] = tuple(CompositionKind)


def chance_of_composition(width: int) -> float:
    """The composition score of unrelated heads: 1 / sqrt(width).

    Exactly the root mean square over all rotations of one of the two weight matrices.
    """
    return float(width**-0.5)


class PhaseChange(BaseModel):
    """Where the loss plateau ends and the drop happens, in sequences; None: not (yet) seen.

    Defined and computed in `worker.science.phase_change`.
    """

    model_config = ConfigDict(frozen=True)

    plateau_start: float | None = None
    plateau_end: float | None = None
    onset: float | None = None
    midpoint: float | None = None
    end: float | None = None
    reversal: float | None = None  # the first measurement at which the drop was undone


class Bracket(BaseModel):
    """Between which measurements a level was crossed, in sequences: above it, or not yet measured,
    at `after`; at or below it at `until`.

    All that is known of the place: the straight line between the two is an assumption. It is of
    the loss on the evaluator's own sequences; on others the level is crossed elsewhere.
    """

    model_config = ConfigDict(frozen=True)

    after: int | None  # None: the first measurement is at or below the level
    until: int


class PhaseBrackets(BaseModel):
    """The brackets of a `PhaseChange`; None: not (yet) seen."""

    model_config = ConfigDict(frozen=True)

    plateau_start: Bracket | None = None
    onset: Bracket | None = None
    midpoint: Bracket | None = None
    end: Bracket | None = None


class ProbeToken(BaseModel):
    """One token of a probe sequence: an exemplar (drawn) or a label (a letter)."""

    model_config = ConfigDict(frozen=True)

    kind: str  # "exemplar" or "label"
    text: str  # class name, or label letter
    image: str | None = None  # data URI of the exemplar's 28x28 drawing, dark ink on transparent


class ProbeSequence(BaseModel):
    """One sequence of the probe; its last token is the query."""

    model_config = ConfigDict(frozen=True)

    tokens: tuple[ProbeToken, ...]
    answer: str  # the right label's letter


def label_letter(label: int) -> str:
    """`0` -> `A`, `26` -> `A1`: how labels are written on screen."""
    letter = chr(ord("A") + label % 26)
    return letter if label < 26 else f"{letter}{label // 26}"
