"""From draws to batches: rows of a feature table, stacked over the runs of a cohort."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from app.schemas.config import RunConfig
from app.schemas.measure import EVALUATORS, Evaluator
from worker.science.data.datasets import Dataset
from worker.science.data.sampler import BLOCK, Draw, evaluation_draw, training_block, training_noise
from worker.science.data.splits import Pool, pools
from worker.science.machine.devices import CPU
from worker.science.model import Batch


@dataclass(frozen=True)
class Table:
    """The exemplars that some pools can draw: features [N, features], row [class, exemplar]."""

    features: Tensor
    row: np.ndarray

    @classmethod
    def of(cls, dataset: Dataset, *reachable: Pool) -> "Table":
        """The rows that the pools reach, in order of class and exemplar."""
        row = np.full(dataset.features.shape[:2], -1)
        for pool in reachable:
            row[np.ix_(pool.classes, pool.exemplars)] = 0
        chosen = row == 0
        row[chosen] = np.arange(chosen.sum())
        return cls(dataset.features[torch.from_numpy(chosen)].contiguous(), row)

    def rows(self, draw: Draw) -> np.ndarray:
        """Rows of the sequences' exemplars, [P + 1, n]."""
        rows: np.ndarray = self.row[draw.classes, draw.exemplars]
        return rows


class Drawn(NamedTuple):
    """What was drawn for every run: row [run, ..., P + 1, B] in its table, labels [run, ..., P, B],
    target [run, ..., B]."""

    row: Tensor
    labels: Tensor
    target: Tensor


class TrainingSequences:
    """The training batches of a cohort, by update."""

    def __init__(
        self,
        configs: Sequence[RunConfig],
        datasets: Sequence[Dataset],
        device: torch.device = CPU,
    ) -> None:
        self.configs, self.device = configs, device
        self._pools = [
            pools(config, data)[Evaluator.TRAIN]
            for config, data in zip(configs, datasets, strict=True)
        ]
        self._tables = [
            Table.of(data, pool) for data, pool in zip(datasets, self._pools, strict=True)
        ]
        features = stack_features([table.features for table in self._tables], datasets)
        self._features = features.to(device)
        self._block = -1
        self._drawn: Drawn

    @property
    def has_noise(self) -> bool:
        """Whether every exemplar gets noise of its own, which is drawn on the processor."""
        return self.configs[0].task.input_noise > 0

    @property
    def is_spread(self) -> bool:
        """Whether every batch gets a table of its own exemplars, for the common one is larger or
        each exemplar has noise of its own."""
        exemplars = (self.configs[0].task.context_pairs + 1) * self.configs[0].training.batch_size
        return self.has_noise or self._features.shape[-2] > exemplars

    def batch(self, update: int) -> Batch:
        """The sequences of one update, for every run."""
        block, offset = divmod(update, BLOCK)
        now = Drawn(*(part[:, offset] for part in self.drawn(block)))
        return self.batch_of(now, self._noise(update) if self.has_noise else None)

    def drawn(self, block: int) -> Drawn:
        """The sequences of a block, on the device: [run, BLOCK, ...]."""
        # The latest only: updates come in order, and a block that is asked for again is drawn
        # again, to the same bits.
        if block != self._block:
            parts = self._draw(block)
            self._drawn, self._block = Drawn(*(part.to(self.device) for part in parts)), block
        return self._drawn

    def batch_of(self, now: Drawn, noise: Tensor | None = None) -> Batch:
        """What was drawn for one update, with the features; noise [run, (P + 1) B, features]."""
        batch = Batch(self._features, *now)
        return self._spread(batch, noise) if self.is_spread else batch

    def _draw(self, block: int) -> Drawn:
        parts = []
        for config, pool, table in zip(self.configs, self._pools, self._tables, strict=True):
            drawn = training_block(config, pool, block)
            size = config.training.batch_size
            arrays = (table.rows(drawn), drawn.labels, drawn.target[None])
            parts.append([_by_update(array, size) for array in arrays])
        row, labels, target = (torch.stack(part) for part in zip(*parts, strict=True))
        return Drawn(row, labels, target.squeeze(2))

    def _noise(self, update: int) -> Tensor:
        width = self._features.shape[-1]
        noise = [training_noise(config, update, width) for config in self.configs]
        return torch.from_numpy(np.stack(noise)).to(self.device)

    def _spread(self, batch: Batch, noise: Tensor | None) -> Batch:
        """The same sequences with a table of the batch's own exemplars: it is smaller, or each
        exemplar has noise of its own."""
        rows = batch.row.flatten(1)  # [run, (P + 1) B]
        if batch.features.ndim == 2:
            features = batch.features[rows]
        else:
            run = torch.arange(len(rows), device=rows.device)[:, None]
            features = batch.features[run, rows]
        features = features if noise is None else features + noise
        places = torch.arange(rows.shape[1], device=rows.device)
        own = places.view(batch.row.shape[1:]).expand_as(batch.row)
        return batch._replace(features=features, row=own.contiguous())


def evaluation_batches(
    configs: Sequence[RunConfig], datasets: Sequence[Dataset]
) -> tuple[list[Batch], list[dict[Evaluator, Draw]]]:
    """A batch of each of `EVALUATORS`, and what was drawn for every run."""
    drawn, tables = [], []
    for config, dataset in zip(configs, datasets, strict=True):
        split = pools(config, dataset)
        tables.append(Table.of(dataset, *split.values()))
        drawn.append({name: evaluation_draw(config, name, split[name]) for name in EVALUATORS})
    features = stack_features([table.features for table in tables], datasets)
    batches = [
        _evaluator_batch(features, tables, [draws[name] for draws in drawn]) for name in EVALUATORS
    ]
    return batches, drawn


def _evaluator_batch(features: Tensor, tables: Sequence[Table], draws: Sequence[Draw]) -> Batch:
    rows = [table.rows(draw) for table, draw in zip(tables, draws, strict=True)]
    parts = (rows, [draw.labels for draw in draws], [draw.target for draw in draws])
    return Batch(features, *(torch.from_numpy(np.stack(part)) for part in parts))


def stack_features(features: Sequence[Tensor], datasets: Sequence[Dataset]) -> Tensor:
    """One shared table [N, features] if all runs have the same dataset, else one per run, as long
    as the longest: nobody draws the rows of zeros below the others."""
    if all(dataset is datasets[0] for dataset in datasets):
        return features[0]
    longest = max(len(table) for table in features)
    return torch.stack([pad(table, (0, 0, 0, longest - len(table))) for table in features])


def _by_update(array: np.ndarray, size: int) -> Tensor:
    """[k, BLOCK * B] -> [BLOCK, k, B], contiguous."""
    split = array.reshape(len(array), BLOCK, size).transpose(1, 0, 2)
    return torch.from_numpy(np.ascontiguousarray(split))
