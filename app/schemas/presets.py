"""Named experiments: configs to start from, each with the figure of the paper that it follows."""

from pydantic import BaseModel, ConfigDict

from app.schemas.clamp import Ablate, PatternName, SetPattern
from app.schemas.config import RecordingConfig, RunConfig, TrainingConfig
from app.schemas.site import Site

# The head that the paper keeps (strongest for its seed 5), and the layer-2 heads it silences.
KEPT = 3
OTHERS = Ablate(site=Site.parse("L1H0,1,2,4,5,6,7.v"))


class Preset(BaseModel):
    """A config to start from."""

    model_config = ConfigDict(frozen=True)

    id: str
    name: str
    figure: str  # where in the paper
    summary: str  # what to look for
    config: RunConfig


def _clamped(*clamps: Ablate | SetPattern, sequences: int = 600_000) -> RunConfig:
    return RunConfig(
        training=TrainingConfig(sequences=sequences),
        recording=RecordingConfig(evaluate_every=1000, frame_every=5000, checkpoint_every=5000),
        program=(*clamps, OTHERS),
    )


PRESETS: tuple[Preset, ...] = (
    Preset(
        id="unclamped",
        name="Unclamped",
        figure="Fig. 3",
        summary="A long plateau near ln 2, then all induction heads appear at once.",
        config=RunConfig(),
    ),
    Preset(
        id="one-head",
        name="One head only",
        figure="Fig. 4b, 5b",
        summary="One head of layer 2 learns alone: the same plateau, a later drop.",
        config=_clamped(),
    ),
    Preset(
        id="previous-token",
        name="Previous-token head fixed",
        figure="Fig. 5b, step 1",
        summary="A head of layer 1 always attends one token back: a shorter plateau.",
        config=_clamped(
            SetPattern(site=Site.parse("L0H2.pattern"), target=PatternName.PREVIOUS_TOKEN)
        ),
    ),
    Preset(
        id="match",
        name="Match fixed",
        figure="Fig. 5b, steps 1, 2, 3qk, 4",
        summary="The head always finds the correct label: no plateau is left.",
        config=_clamped(
            SetPattern(site=Site.parse(f"L1H{KEPT}.pattern[query]"), target=PatternName.INDUCTION)
        ),
    ),
)
