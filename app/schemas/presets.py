"""Named experiments: configs to start from, each with the figure of the paper that it follows."""

from pydantic import BaseModel, ConfigDict

from app.schemas.clamps.base import BaseClamp
from app.schemas.clamps.kinds import (
    Ablate,
    InductionPattern,
    PerfectCopy,
    PerfectLayer1,
    PreviousTokenPattern,
)
from app.schemas.clamps.site import Site
from app.schemas.config import RecordingConfig, RunConfig, TrainingConfig

# The head that the paper keeps (strongest for its seed 5), and the layer-2 heads it silences.
KEPT = 3
OTHERS = Ablate(site=Site.parse("L1H0,1,2,4,5,6,7.v"))
COPY = PerfectCopy(site=Site.parse(f"L1H{KEPT}.score[query]"))
LAYER_1 = PerfectLayer1(site=Site.parse("L0.resid"))


class Preset(BaseModel):
    """A config to start from."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    figure: str  # where in the paper
    summary: str  # what to look for, and that it is the paper that saw it
    config: RunConfig


def _clamped(*program: BaseClamp, sequences: int = 600_000) -> RunConfig:
    return RunConfig(
        training=TrainingConfig(sequences=sequences),
        recording=RecordingConfig(evaluate_every=1000, frame_every=5000, checkpoint_every=5000),
        program=program,
    )


PRESETS: tuple[Preset, ...] = (
    Preset(
        id="unclamped",
        name="Unclamped",
        figure="Fig. 3",
        summary="In the paper: a long plateau near ln 2, then all induction heads appear at once.",
        config=RunConfig(),
    ),
    Preset(
        id="one-head",
        name="One head only",
        figure="Fig. 4b, 5b: none",
        summary="In the paper: one head of layer 2 learns alone, after the same plateau, later.",
        config=_clamped(OTHERS),
    ),
    Preset(
        id="previous-token",
        name="Previous-token head fixed",
        figure="Fig. 5b: step 1",
        summary="A head of layer 1 always attends one token back. In the paper: a shorter plateau.",
        config=_clamped(PreviousTokenPattern(site=Site.parse("L0H2.pattern")), OTHERS),
    ),
    Preset(
        id="layer-1",
        name="Layer 1 perfect",
        figure="Fig. 5b: steps 1, 2",
        summary="Layer 2 reads the token before for free. In the paper: no plateau at ln 2.",
        config=_clamped(LAYER_1, OTHERS),
    ),
    Preset(
        id="match",
        name="Match fixed",
        figure="Fig. 5b: steps 1, 2, 3qk, 4",
        summary="The head always finds the correct label. In the paper: no plateau is left.",
        config=_clamped(
            InductionPattern(site=Site.parse(f"L1H{KEPT}.pattern[query]")),
            OTHERS,
        ),
    ),
    Preset(
        id="copy",
        name="Copy perfect",
        figure="Fig. 5b: steps 3v, 5",
        summary="What the head attends to is the answer. In the paper: a brief plateau near ln 2.",
        config=_clamped(COPY),
    ),
    Preset(
        id="layer-1-and-copy",
        name="Layer 1 and copy",
        figure="Fig. 5b: steps 1, 2, 3v, 5",
        summary="Only the match is left to learn. In the paper: the fastest of all.",
        config=_clamped(LAYER_1, COPY),
    ),
)
