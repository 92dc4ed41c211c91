"""Attention, as arrays."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optoscope.reading.libraries import library
from optoscope.wire.connection import Json

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AttentionFrame:
    """The attention of a run's probe at one place.

    `pattern`: [probe, layer, head, query, key], rows sum to 1, five digits. `strengths`: by name,
    `induction_strength` and `previous_token_strength`, [layer, head]. `composition`: by kind, `q`,
    `k` and `v`, [layer][head][earlier layer][earlier head] as lists, since the first layer has no
    earlier one; None in frames of before it was recorded. NaN where the model had none.
    """

    run_id: str
    sequences: int
    pattern: "Numbers"
    strengths: dict[str, "Numbers"] = field(repr=False)
    composition: dict[str, Any] | None = field(repr=False)


def frame_from(said: Json) -> AttentionFrame:
    """A frame as the API says it: patterns [layer][head][probe][query][key]."""
    np = library("numpy")
    pattern = np.array(said["patterns"], dtype=float).transpose(2, 0, 1, 3, 4)
    names = [name for name in said if name.endswith("_strength")]
    strengths = {name: np.array(said[name], dtype=float) for name in names}
    return AttentionFrame(
        said["run_id"], said["sequences"], pattern, strengths, said.get("composition")
    )
