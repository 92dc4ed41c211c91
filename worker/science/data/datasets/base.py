"""What every data source gives: features, and where it has them, drawings of the exemplars."""

from dataclasses import dataclass

from torch import Tensor


class DatasetError(ValueError):
    """A data source cannot give what is asked of it; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """Exemplars of classes, as the model sees them and as a person does."""

    features: Tensor  # float32 [class, exemplar, dim]
    class_names: tuple[str, ...]
    thumbnails: Tensor | None = None  # uint8 [class, exemplar, 28, 28], dark ink (0) on white (255)
