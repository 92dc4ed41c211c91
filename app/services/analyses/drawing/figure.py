"""The figure of an analysis: which one it is, by what was asked."""

from app.schemas.analyses.read import AnalysisResult
from app.schemas.words import in_words
from app.services.analyses.drawing.along import programs_figure, strengths_figure, ways_figure
from app.services.analyses.drawing.grids import Shown, added_figure, grid_figure
from app.services.analyses.drawing.matched import matched_figure, sets_figure
from app.services.analyses.drawing.parts import latest, plain_layout
from app.services.analyses.drawing.wiring import wiring_figure
from app.services.charts.style import Figure


def analysis_figure(
    kind: str, result: AnalysisResult, columns: int = 2, shown: Shown = "accuracy"
) -> Figure:
    """What has been found so far; without traces where that is nothing that can be drawn.
    `columns`: of panels, 1 or 2. `shown`: of grids of heads."""
    if not result.cells:
        return {"data": [], "layout": plain_layout()}
    result = _in_words(result)
    if kind == "wiring":
        return wiring_figure(latest(result.cells), columns)
    if kind == "ablation_grid":
        cells = latest(result.cells)
        is_added = any(cell.group.startswith("add_back") for cell in cells)
        return added_figure(cells) if is_added else grid_figure(cells, shown)
    return strengths_figure(result.cells) if kind == "exhaustive" else _perfected(result, columns)


def _in_words(result: AnalysisResult) -> AnalysisResult:
    cells = [one.model_copy(update={"name": in_words(one.name)}) for one in result.cells]
    return result.model_copy(update={"cells": cells})


def _perfected(result: AnalysisResult, columns: int) -> Figure:
    groups = {cell.group for cell in result.cells}
    if "matched" in groups:
        return matched_figure(latest(result.cells), columns)
    if any(group.startswith("way_") for group in groups):
        return ways_figure(result.cells)
    if any(group.startswith("looking_back_") for group in groups):
        return sets_figure(latest(result.cells))
    return programs_figure(result.cells)
