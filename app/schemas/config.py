"""The config of a run: everything that decides its numbers, and nothing else.

Defaults are the paper's (Singh et al. 2024, arXiv 2404.07129). Every field carries the label, the
unit and the one line of explanation that the launch form shows. Two configs with equal
`config_hash` describe the same experiment.
"""

import hashlib
import json
import math
from typing import Annotated, Literal, Self

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError, ValidationError

from app.schemas import datasets
from app.schemas.clamps.check import ClampError, check_program
from app.schemas.clamps.dimensions import Dimensions
from app.schemas.clamps.kinds import Program
from app.schemas.numbers import LARGEST, Numbers
from app.schemas.option import option
from app.schemas.text import SOUND

SEED_END = 2**32


class _Config(Numbers):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelConfig(_Config):
    """The transformer: causal, pre-LN, attention only unless `mlp_ratio` is set."""

    layers: int = option(2, "Layers", "Attention blocks, one after the other.", ge=1, le=8)
    heads: int = option(8, "Heads", "Attention heads in every layer.", ge=1, le=32)
    width: int = option(
        64, "Width", "Size of the residual stream.", unit="dimensions", ge=4, le=1024
    )
    mlp_ratio: float = option(
        0.0,
        "MLP ratio",
        "Hidden size of the MLP as a multiple of the width; 0 for none.",
        ge=0,
        le=8,
    )
    attn_bias: bool = option(
        True,
        "Attention biases",
        "As in the published figures; the current published code has none.",
    )
    positions: Literal["rotary", "learned", "sinusoidal"] = option(
        "rotary", "Positions", "How tokens know where they are."
    )

    @model_validator(mode="after")
    def _heads_divide_width(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is not a multiple of {self.heads} heads")
        if self.positions == "rotary" and self.head_dim % 2:
            raise ValueError(f"rotary positions need an even head size, not {self.head_dim}")
        return self

    @property
    def head_dim(self) -> int:
        return self.width // self.heads


def _read_combinations(value: object) -> object:
    """`2-3, 3-4` -> [[2, 3], [3, 4]], as the form writes them; anything else as it is."""
    if not isinstance(value, str):
        return value
    return [part.strip().split("-") for part in value.split(",") if part.strip()]


LabelCombinations = Annotated[
    tuple[tuple[int, ...], ...],
    BeforeValidator(_read_combinations, json_schema_input_type=list[list[int]] | str),
]


DatasetName = Annotated[
    str, StringConstraints(pattern=datasets.PATTERN, max_length=datasets.LONGEST_NAME), SOUND
]


class TaskConfig(_Config):
    """The few-shot task: pairs of exemplar and label, then a query of one of their classes."""

    dataset: DatasetName = option(
        "glyphs",
        "Dataset",
        datasets.SHORT,
    )
    classes: int = option(
        50, "Training classes", "Classes that training draws from.", ge=2, le=10_000
    )
    new_classes: int = option(
        100, "New classes", "Classes kept for the new-classes evaluator.", ge=2, le=10_000
    )
    exemplars: int = option(
        1,
        "Training exemplars",
        "Drawings per class used in training; the others test.",
        ge=1,
        le=100,
    )
    labels: int = option(5, "Labels", "Size of the output vocabulary.", ge=2, le=1000)
    held_out: float = option(
        0.2,
        "Held-out label pairs",
        "Share of the label combinations that training never shows together.",
        gt=0,
        lt=1,
    )
    held_out_pairs: LabelCombinations = option(
        (),
        "Held out by hand",
        "Exactly these label pairs instead of a share, for instance 2-3, 3-4.",
    )
    context_pairs: int = option(
        2, "Context pairs", "Exemplar-label pairs before the query.", unit="pairs", ge=2, le=32
    )
    burstiness: int = option(
        1,
        "Burstiness",
        "How often each class of the context occurs in it.",
        unit="times",
        ge=1,
        le=16,
    )
    zipf_exponent: float = option(
        0.0,
        "Zipf exponent",
        "Class k is drawn with weight k to the minus this; 0: evenly.",
        ge=0,
        le=4,
    )
    input_noise: float = option(
        0.0, "Input noise", "Standard deviation of noise on training features.", ge=0, le=10
    )

    @model_validator(mode="after")
    def _context_fits(self) -> Self:
        if self.context_pairs % self.burstiness:
            raise ValueError(
                f"burstiness {self.burstiness} does not divide {self.context_pairs} context pairs"
            )
        if self.context_labels < 2:
            raise ValueError(
                "the context needs two classes: raise context pairs or lower burstiness"
            )
        for name, pool in (("classes", self.classes), ("new classes", self.new_classes)):
            if self.context_labels > pool:
                raise ValueError(f"{self.context_labels} classes in context, only {pool} {name}")
        if self.context_labels >= self.labels:
            raise ValueError(
                f"{self.context_labels} labels in context need more than {self.labels} labels, "
                f"or no combination of them can be held out"
            )
        combinations = math.comb(self.labels, self.context_labels)
        if combinations > 1_000_000:
            raise ValueError(f"{combinations:,} label combinations are too many; at most 1,000,000")
        return self

    @model_validator(mode="after")
    def _held_out_pairs_exist(self) -> Self:
        size, every = self.context_labels, math.comb(self.labels, self.context_labels)
        for labels in self.held_out_pairs:
            if len(set(labels)) != size or len(labels) != size:
                raise ValueError(
                    f"held_out_pairs: {_joined(labels)} is not a combination of {size} labels"
                )
            if not all(0 <= label < self.labels for label in labels):
                raise ValueError(
                    f"held_out_pairs: {_joined(labels)} is not among the labels 0 to "
                    f"{self.labels - 1}"
                )
        if len({frozenset(labels) for labels in self.held_out_pairs}) == every:
            raise ValueError(f"held_out_pairs: all {every} combinations; none is left to train on")
        return self

    @property
    def context_labels(self) -> int:
        """Distinct classes, and so labels, in a context; ln of it is the loss of guessing."""
        return self.context_pairs // self.burstiness

    def lack(self, classes: int, exemplars: int) -> str:
        """What so many classes, of so many exemplars each, are too few for; empty if enough."""
        needed = self.classes + self.new_classes
        if classes < needed:
            return (
                f"needs {needed} classes ({self.classes} training + {self.new_classes} new), "
                f"the file has {classes}"
            )
        if exemplars <= self.exemplars:
            return (
                f"needs {self.exemplars + 1} exemplars of each class ({self.exemplars} training + "
                f"at least 1 to test), the file has {exemplars}"
            )
        return ""

    @property
    def tokens(self) -> int:
        """Length of a sequence: a pair is two tokens, the query one."""
        return 2 * self.context_pairs + 1


def _joined(labels: tuple[int, ...]) -> str:
    return "-".join(map(str, labels))


class TrainingConfig(_Config):
    """Adam at a constant rate; an update is one batch."""

    sequences: int = option(
        1_000_000, "Sequences", "Sequences to train on.", unit="sequences", ge=1, le=1_000_000_000
    )
    batch_size: int = option(
        32, "Batch size", "Sequences per update.", unit="sequences", ge=1, le=4096
    )
    learning_rate: float = option(1e-5, "Learning rate", "Step size of Adam.", gt=0, le=1)
    beta1: float = option(0.9, "Adam β1", "Decay of the gradient mean.", ge=0, lt=1)
    beta2: float = option(0.999, "Adam β2", "Decay of the gradient's second moment.", ge=0, lt=1)
    epsilon: float = option(1e-8, "Adam ε", "Added to the denominator.", gt=0, le=1)

    @property
    def updates(self) -> int:
        """Updates until every sequence was seen; the last batch is never cut short."""
        return math.ceil(self.sequences / self.batch_size)

    @property
    def total_sequences(self) -> int:
        """`sequences` rounded up to whole batches: where the last measurement lies."""
        return self.updates * self.batch_size


class SeedConfig(_Config):
    """One seed per source of chance, so that each can be varied alone."""

    initial: int = option(5, "Initial weights", "Seed of the initial weights.", ge=0, lt=SEED_END)
    data: int = option(0, "Training data", "Seed of the training sequences.", ge=0, lt=SEED_END)
    evaluation: int = option(1, "Evaluators", "Seed of the four evaluators.", ge=0, lt=SEED_END)
    label_pairs: int = option(
        20, "Label pairs", "Seed of which pairs are held out.", ge=0, lt=SEED_END
    )
    dataset: int = option(
        0, "Dataset", f"Seed of invented features ({datasets.NAMES}).", ge=0, lt=SEED_END
    )


class RecordingConfig(_Config):
    """What is measured and kept, and how often.

    A report is made before the first update at or past each multiple of its interval, and at the
    end, so that `every 5,000` with batches of 32 means 0, 5,024, 10,016 ... as in the paper.
    """

    evaluate_every: int = option(
        5000, "Evaluate every", "Interval of the measurements.", unit="sequences", ge=1, le=LARGEST
    )
    evaluation_sequences: int = option(
        1000,
        "Evaluator size",
        "Sequences in each of the four evaluators.",
        unit="sequences",
        ge=8,
        le=10_000,
    )
    frame_every: int = option(
        5000,
        "Frames every",
        "Interval of attention frames; a multiple of the evaluations.",
        unit="sequences",
        ge=1,
        le=LARGEST,
    )
    checkpoint_every: int = option(
        5000,
        "Checkpoints every",
        "Interval of saved weights; a multiple of the evaluations.",
        unit="sequences",
        ge=1,
        le=LARGEST,
    )

    @model_validator(mode="after")
    def _multiples(self) -> Self:
        for name in ("frame_every", "checkpoint_every"):
            if getattr(self, name) % self.evaluate_every:
                raise ValueError(
                    f"{name} must be a multiple of evaluate_every, {self.evaluate_every}"
                )
        return self


def dimensions_of(model: ModelConfig, task: TaskConfig, training: TrainingConfig) -> Dimensions:
    """What a program of this model, task and length must fit."""
    return Dimensions(
        layers=model.layers,
        heads=model.heads,
        width=model.width,
        labels=task.labels,
        context_pairs=task.context_pairs,
        sequences=training.total_sequences,
        has_mlp=model.mlp_ratio > 0,
        has_bias=model.attn_bias,
        is_rotary=model.positions == "rotary",
    )


class RunConfig(_Config):
    """One run: model, task, training, seeds, recording and program of clamps."""

    model: ModelConfig = ModelConfig()
    task: TaskConfig = TaskConfig()
    training: TrainingConfig = TrainingConfig()
    seeds: SeedConfig = SeedConfig()
    recording: RecordingConfig = RecordingConfig()
    program: Annotated[Program, Field(title="Clamps")] = ()

    @model_validator(mode="after")
    def _program_fits(self, info: ValidationInfo) -> Self:
        try:
            check_program(self.program, dimensions_of(self.model, self.task, self.training))
        except ClampError as error:
            raise _at_clamp(error, self.program) from None
        return self

    @property
    def config_hash(self) -> str:
        """SHA-256 of the canonical JSON form, hexadecimal."""
        # Two studies find each other's finished runs by this: an option that is added later
        # changes every hash, and with it what is found.
        content = self.model_dump(mode="json")
        content["program"].sort(key=json.dumps)  # the order of clamps means nothing
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _at_clamp(error: ClampError, program: Program) -> ValidationError:
    """The same error with its place, so that the form can show it at the clamp."""
    detail = InitErrorDetails(
        type=PydanticCustomError("clamp", "{reason}", {"reason": str(error)}),
        loc=("program", error.index),
        input=program[error.index].model_dump(mode="json"),
    )
    return ValidationError.from_exception_data("RunConfig", [detail])
