"""Analyses that a run's page offers, each as a figure of the paper asks it."""

from dataclasses import dataclass, field
from typing import Any

from app.schemas.analyses.kinds import REQUEST, AnalysisRequest
from app.schemas.config import ModelConfig


@dataclass(frozen=True)
class AnalysisPreset:
    """A question, and what in the paper it is asked for. `settings`: of its request."""

    id: str
    title: str
    figure: str
    settings: dict[str, Any] = field(repr=False)
    least_layers: int = 1
    least_heads: int = 1

    def request(self, run_id: str) -> AnalysisRequest:
        """The question about a run."""
        return REQUEST.validate_python({**self.settings, "run": run_id})

    def fits(self, model: ModelConfig) -> bool:
        """Whether a model of this size can be asked."""
        return model.layers >= self.least_layers and model.heads >= self.least_heads


PRESETS = (
    AnalysisPreset(
        "every-head",
        "Each head of the last layer removed, and kept alone",
        "Figs. 4a, 13, Table 2",
        {"kind": "ablation_grid"},
        least_heads=2,
    ),
    AnalysisPreset(
        "added-back",
        "Heads of the last layer added back, the strongest first",
        "Fig. 14",
        {"kind": "ablation_grid", "acts": ["none", "add_back", "add_back_rest"]},
        least_heads=2,
    ),
    AnalysisPreset(
        "wiring",
        "Which head of layer 1 each head of layer 2 reads",
        "Fig. 11",
        {"kind": "wiring"},
        least_layers=2,
        least_heads=2,
    ),
    AnalysisPreset(
        "along-training",
        "All sequences of the task, along the training",
        "Fig. 3b",
        {"kind": "exhaustive", "checkpoints": {"evenly": 100}},
    ),
    AnalysisPreset(
        "perfect-match",
        "Each head of the last layer alone, with a perfect match",
        "Fig. 16, Table 3",
        {"kind": "perfected", "programs": "perfect_match"},
        least_heads=2,
    ),
    AnalysisPreset(
        "previous-token-sets",
        "Without the heads of layer 1 that look back, and without the others",
        "Table 1",
        {"kind": "perfected", "programs": "previous_token_sets"},
        least_layers=2,
    ),
    AnalysisPreset(
        "sub-circuits",
        "Progress of sub-circuits, along the training",
        "Fig. 10",
        {"kind": "perfected", "programs": "sub_circuits", "checkpoints": {"evenly": 100}},
        least_layers=2,
    ),
    AnalysisPreset(
        "ways-to-output",
        "Each layer's way to the output, along the training",
        "Fig. 12",
        {"kind": "perfected", "programs": "ways_to_output", "checkpoints": {"evenly": 100}},
        least_layers=2,
    ),
)


def preset_by_id(preset_id: str) -> AnalysisPreset | None:
    """The preset of that name, if there is one."""
    return next((one for one in PRESETS if one.id == preset_id), None)
