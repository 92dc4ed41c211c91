"""All figures and tables of the paper, in its order."""

from app.schemas.paper import listed
from app.schemas.paper.figure import PaperFigure
from app.schemas.paper.training import TRAINED

_MAIN, _ALONE, _STEPS, _SHIFTS, _PREVIOUS, _STRENGTHS, _PAIRS = TRAINED
FIGURES: tuple[PaperFigure, ...] = (
    *(listed.CIRCUIT, listed.CLAMPS),
    *(_MAIN, listed.FIG_3B, listed.FIG_4A, _ALONE, listed.TOY_5A, _STEPS, _SHIFTS),
    *(listed.FIG_7, _PREVIOUS, listed.TOY_9, listed.FIG_10, listed.FIG_11, listed.FIG_12),
    *(listed.FIG_13, listed.FIG_14, _STRENGTHS, listed.FIG_16, _PAIRS, listed.FIG_18),
    *(listed.TABLE_1, listed.TABLE_2, listed.TABLE_3),
)
BY_ID = {figure.id: figure for figure in FIGURES}
