"""All figures and tables of the paper, in its order."""

from app.schemas.paper import analysed, listed
from app.schemas.paper.figure import PaperFigure
from app.schemas.paper.seeds import graft_figure, seeds_figure
from app.schemas.paper.training import TRAINED

_MAIN, _ALONE, _STEPS, _SHIFTS, _PREVIOUS, _STRENGTHS, _PAIRS = TRAINED
FIGURES: tuple[PaperFigure, ...] = (
    *(listed.CIRCUIT, listed.CLAMPS),
    *(_MAIN, analysed.FIG_3B, analysed.FIG_4A, _ALONE, listed.TOY_5A, _STEPS, _SHIFTS),
    *(graft_figure(), _PREVIOUS, listed.TOY_9, analysed.FIG_10, analysed.FIG_11, analysed.FIG_12),
    *(analysed.FIG_13, analysed.FIG_14, _STRENGTHS, analysed.FIG_16, _PAIRS, seeds_figure()),
    *(analysed.TABLE_1, analysed.TABLE_2, analysed.TABLE_3),
)
BY_ID = {figure.id: figure for figure in FIGURES}
