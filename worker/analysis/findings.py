"""What a part has found, as its row holds it."""

from collections.abc import Sequence
from math import isnan
from typing import Any

import numpy as np

from app.schemas.analyses.cell import AnalysisCell
from app.services.analyses.plan import COMPARED, PlannedPart
from worker.science.analysis.results import Groups, Inspected
from worker.science.data.exhaustive import SequenceSet


def findings(
    part: PlannedPart, found: Sequence[Inspected], sequences: SequenceSet, *, in_detail: bool
) -> dict[str, Any]:
    """Of all cells of a part, in their order. `in_detail`: with attention of all tokens, and tables
    by class, label and position."""
    groups = Groups.of(sequences) if in_detail else None
    cells = [_cell(part, cell, one, groups) for cell, one in zip(part.cells, found, strict=True)]
    return {
        "sequences": len(sequences),
        "population": sequences.population,
        "cells": cells,
        "recovery": _recovery(part, found),
        "composition": [],
    }


def _cell(
    part: PlannedPart, cell: AnalysisCell, one: Inspected, groups: Groups | None
) -> dict[str, Any]:
    metrics = {name: one.metrics[name] for name in ("loss", "accuracy", "in_context_accuracy")}
    found: dict[str, Any] = {
        "checkpoint": part.checkpoint.sequences,
        "name": cell.name,
        "group": cell.group,
        "head": cell.head,
        "other": cell.other,
        **{name: float(mean.value) for name, mean in metrics.items()},
        "mistakes": one.mistakes,
        "induction_strength": one.induction_strength.value.tolist(),
    }
    if one.sequences.is_sample:
        errors = {name: float(mean.error) for name, mean in metrics.items()}
        strengths = {"induction_strength": one.induction_strength.error.tolist()}
        found["standard_error"] = errors | strengths
    if groups is not None:
        found["previous_token_attention"] = one.previous_token_attention.value.tolist()
        found["by_class"] = _table("class", one, groups.query_class)
        found["by_label"] = _table("label", one, groups.label)
        found["by_position"] = _table("position", one, groups.position)
    elif cell.group in COMPARED:
        found["by_label"] = _table("label", one, Groups.of(one.sequences).label)
    return found


def _table(name: str, one: Inspected, groups: np.ndarray) -> list[dict[str, float]]:
    return [{name: group, **numbers} for group, numbers in one.by(groups).items()]


def _recovery(part: PlannedPart, found: Sequence[Inspected]) -> list[dict[str, Any]]:
    """Paper section 4, Tables 2 and 3: of those that were looked at for it."""
    group = part.cells[0].group
    if group not in COMPARED or len(found) < 2:
        return []
    shares = [[_share(row.recovered(column)) for column in found] for row in found]
    names = [cell.name for cell in part.cells]
    return [
        {
            "checkpoint": part.checkpoint.sequences,
            "group": group,
            "cells": names,
            "share": shares,
        }
    ]


def _share(number: float) -> float | None:
    return None if isnan(number) else number
