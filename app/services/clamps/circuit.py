"""The induction circuit under a program: which of the paper's steps it fixes, takes away, spares
or leaves to be learned. Which step a clamp is about follows from its site, or its kind says so."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from app.schemas.clamps.base import BaseClamp, Light, Phase, Step
from app.schemas.clamps.kinds import covered
from app.schemas.clamps.site import HEAD_POINTS, LAYERLESS_POINTS, Point, Positions
from app.schemas.config import ModelConfig
from app.schemas.words import enumerate_words
from app.services.clamps.lit_model import NONE, window

TEXTS = {
    Step.ATTEND_BACK: "each label attends to the exemplar before it",
    Step.COPY_BACK: "and takes it into its residual stream",
    Step.READ_QUERY: "the query asks for its like",
    Step.READ_KEY: "labels offer the exemplar that they took",
    Step.READ_VALUE: "and give the label itself",
    Step.MATCH: "the query finds the label after its like",
    Step.COPY_OUT: "and copies it to the output",
}
EARLIER = (Step.ATTEND_BACK, Step.COPY_BACK)  # steps of layer 1; the others are the last layer's
LAST = tuple(step for step in Step if step not in EARLIER)

_LABELS, _QUERY, _EXEMPLARS = Positions.LABELS, Positions.QUERY, Positions.EXEMPLARS
Steps = tuple[Step, ...]

# The steps that a point is about, and the tokens that it is about at, below the last layer and
# in it. What replaces the stream replaces everything that leads there.
_BELOW: Mapping[Point, tuple[Steps, Positions]] = {
    Point.Q_INPUT: ((Step.ATTEND_BACK,), _LABELS),
    Point.Q: ((Step.ATTEND_BACK,), _LABELS),
    Point.SCORE: ((Step.ATTEND_BACK,), _LABELS),
    Point.PATTERN: ((Step.ATTEND_BACK,), _LABELS),
    Point.K_INPUT: ((Step.ATTEND_BACK,), _EXEMPLARS),
    Point.K: ((Step.ATTEND_BACK,), _EXEMPLARS),
    Point.V_INPUT: ((Step.COPY_BACK,), _EXEMPLARS),
    Point.V: ((Step.COPY_BACK,), _EXEMPLARS),
    Point.Z: ((Step.COPY_BACK,), _LABELS),
    Point.ATTN_OUT: ((Step.COPY_BACK,), _LABELS),
    Point.RESID: (EARLIER, _LABELS),
}
_TOP: Mapping[Point, tuple[Steps, Positions]] = {
    Point.Q_INPUT: ((Step.READ_QUERY,), _QUERY),
    Point.Q: ((Step.READ_QUERY,), _QUERY),
    Point.K_INPUT: ((Step.READ_KEY,), _LABELS),
    Point.K: ((Step.READ_KEY,), _LABELS),
    Point.V_INPUT: ((Step.READ_VALUE,), _LABELS),
    Point.V: ((Step.READ_VALUE,), _LABELS),
    Point.SCORE: ((Step.MATCH,), _QUERY),
    Point.PATTERN: ((Step.MATCH,), _QUERY),
    Point.Z: ((Step.COPY_OUT,), _QUERY),
    Point.ATTN_OUT: ((Step.COPY_OUT,), _QUERY),
    Point.RESID: (tuple(Step), _QUERY),
    Point.LOGITS: ((Step.COPY_OUT,), _QUERY),
    Point.EMBED: (tuple(Step), Positions.ALL),
}

# Steps that lead nowhere once another is taken away.
_IN_VAIN: Mapping[Step, Steps] = {
    Step.COPY_BACK: (Step.ATTEND_BACK,),
    Step.READ_QUERY: (Step.MATCH,),
    Step.READ_KEY: (Step.MATCH,),
    Step.READ_VALUE: LAST,
    Step.MATCH: LAST,
    Step.COPY_OUT: LAST,
}


class State(StrEnum):
    """What becomes of a step."""

    FIXED = "fixed"
    SILENCED = "silenced"
    SPARED = "not needed"
    LEARNED = "left to learn"
    ABSENT = "no layer for it"


_TITLES = {
    State.FIXED: "Fixed",
    State.SILENCED: "Silenced",
    State.SPARED: "Not needed",
    State.LEARNED: "Left to learn",
}


@dataclass(frozen=True)
class LitStep:
    """One step of the circuit, and the light that it is under."""

    step: Step
    state: State
    tone: str = NONE
    window: str = ""  # when, if not during the whole training: `until 60,000 sequences`

    @property
    def is_windowed(self) -> bool:
        """Whether it is so for a part of training only."""
        return bool(self.window)

    @property
    def text(self) -> str:
        return TEXTS[self.step]

    @property
    def style(self) -> str:
        """The name of its state in style sheets."""
        return self.state.name.lower()

    @property
    def word(self) -> str:
        word = self.state.value
        if self.state is State.FIXED and self.tone == Light.PRESERVED:
            word = "preserved"
        if self.state is State.LEARNED and self.tone != NONE:
            word = f"{word}, partly clamped"
        return f"{word} {self.window}".rstrip()


@dataclass(frozen=True)
class Circuit:
    """The circuit's steps by their numbers."""

    steps: Mapping[str, LitStep]

    @property
    def summary(self) -> str:
        """`Fixed until 60,000 sequences: step 4. Left to learn: steps 3v and 5.`"""
        found: dict[str, list[Step]] = {}
        for state, title in _TITLES.items():
            for one in self.steps.values():
                if one.state is state:
                    found.setdefault(f"{title} {one.window}".rstrip(), []).append(one.step)
        return " ".join(f"{title}: {_listed(steps)}." for title, steps in found.items())


def _listed(steps: Sequence[Step]) -> str:
    return f"step{'s' if len(steps) > 1 else ''} {enumerate_words(steps)}"


def circuit(program: Sequence[BaseClamp], model: ModelConfig) -> Circuit:
    """What becomes of every step."""
    scene = _Scene(program, model)
    return Circuit({step.value: scene.lit(step) for step in Step})


@dataclass(frozen=True)
class _Scene:
    """A program on the circuit of a model."""

    program: Sequence[BaseClamp]
    model: ModelConfig

    def lit(self, step: Step) -> LitStep:
        """What becomes of a step; what fixes it comes before what takes it away."""
        clamps = [clamp for clamp in self._at(step) if clamp.light is not Light.SILENCED]
        if not self._heads_for(step):
            return LitStep(step, State.ABSENT)
        if fixing := self._fixing(step, clamps):
            return LitStep(step, State.FIXED, fixing[0].light, _window(fixing))
        if dark := self._darkening(step):
            return LitStep(step, State.SILENCED, Light.SILENCED, _window(dark))
        if sparing := self._sparing(step):
            return LitStep(step, State.SPARED, window=_window(sparing))
        return LitStep(step, State.LEARNED, clamps[0].light if clamps else NONE)

    def _fixing(self, step: Step, clamps: Sequence[BaseClamp]) -> list[BaseClamp]:
        """The clamps that do a step: on one head if they are made for it, else on all."""
        fixing = [clamp for clamp in clamps if clamp.phase is not Phase.TRANSFORM]
        made = [c for c in fixing if c.steps_after_site or (c.steps and step in c.steps)]
        return made or (fixing if self._heads_for(step) <= self._heads(fixing) else [])

    def _darkening(self, step: Step) -> list[BaseClamp]:
        """The clamps that silence all heads for a step, or for one without which it is in vain."""
        return [
            clamp
            for one in Step
            if step in (one, *_IN_VAIN.get(one, ()))
            and self._heads_for(one) <= self._heads(self._silencing(one))
            for clamp in self._silencing(one)
        ]

    def _at(self, step: Step) -> list[BaseClamp]:
        return [clamp for clamp in self.program if step in self._steps[clamp]]

    @cached_property
    def _steps(self) -> Mapping[BaseClamp, set[Step]]:
        return {clamp: set(_steps_of(clamp, self.model.layers)) for clamp in self.program}

    def _silencing(self, step: Step) -> list[BaseClamp]:
        return [clamp for clamp in self._at(step) if clamp.light is Light.SILENCED]

    def _sparing(self, step: Step) -> list[BaseClamp]:
        """The clamps without need of a step, if all heads that speak are under them."""
        silent = {Step.READ_VALUE, Step.MATCH, Step.COPY_OUT}
        speaking = self._heads_for(Step.MATCH) - self._heads(
            [clamp for one in silent for clamp in self._silencing(one)]
        )
        sparing = [clamp for clamp in self.program if step in clamp.spares]
        return sparing if speaking <= self._heads(sparing) else []

    def _heads_for(self, step: Step) -> set[tuple[int, int]]:
        last = self.model.layers - 1
        layers = range(last) if step in EARLIER else range(last, last + 1)
        return {(layer, head) for layer in layers for head in range(self.model.heads)}

    def _heads(self, clamps: Sequence[BaseClamp]) -> set[tuple[int, int]]:
        """All that are under these lights; what has no heads lights all of its layers."""
        layers, heads = self.model.layers, self.model.heads
        return {
            place
            for clamp in clamps
            for place in (
                covered(clamp, layers=layers, heads=heads)
                if clamp.site.point in HEAD_POINTS
                else ((layer, h) for layer in clamp.site.layers_of(layers) for h in range(heads))
            )
        }


def _window(clamps: Sequence[BaseClamp]) -> str:
    """When they are on; empty where one of them always is."""
    windows = {window(clamp).strip() for clamp in clamps}
    if "" in windows:
        return ""
    return windows.pop() if len(windows) == 1 else "part of the time"


def _steps_of(clamp: BaseClamp, layers: int) -> set[Step]:
    """The steps that a clamp is about: its kind says so, or else its site does."""
    at_site = set(_at_site(clamp, layers))
    return set(Step) - at_site if clamp.steps_after_site else at_site


def _at_site(clamp: BaseClamp, layers: int) -> Iterator[Step]:
    """Steps of the layers of a site, as far as the circuit's tokens are among the site's."""
    point, positions, last = clamp.site.point, clamp.site.positions, layers - 1
    touched = (last,) if point in LAYERLESS_POINTS else clamp.site.layers_of(layers)
    for layer in touched:
        steps, role = (_TOP if layer == last else _BELOW)[point]
        if clamp.steps is not None:
            steps = tuple(s for s in clamp.steps if s in (LAST if layer == last else EARLIER))
        if positions in (Positions.ALL, role):
            yield from steps
