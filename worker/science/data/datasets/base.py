"""What every data source gives: features, and where it has them, drawings of the exemplars."""

from dataclasses import dataclass

from torch import Tensor

from worker.science.data.files.declared import DataFileError

DatasetError = DataFileError  # sources are files, or invented and never wrong


@dataclass(frozen=True, slots=True)
class Dataset:
    """Exemplars of classes, as the model sees them and as a person does."""

    features: Tensor  # float32 [class, exemplar, dim]
    class_names: tuple[str, ...]
    thumbnails: Tensor | None = None  # uint8 [class, exemplar, 28, 28], dark ink (0) on white (255)
