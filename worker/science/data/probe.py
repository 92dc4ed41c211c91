"""The probe: the first sequences of the train evaluator, as people see them."""

from app.schemas.measure import ProbeSequence, ProbeToken, label_letter
from worker.science.data.datasets import Dataset
from worker.science.data.datasets.thumbnails import thumbnail_uri
from worker.science.data.sampler import Draw

PROBES = 8  # sequences of the train evaluator whose patterns make a frame


def probe_sequences(draw: Draw, dataset: Dataset) -> list[ProbeSequence]:
    """Tokens of the probe in order: exemplar, label, exemplar, label, ..., query exemplar."""
    return [_sequence(draw, dataset, number) for number in range(PROBES)]


def _sequence(draw: Draw, dataset: Dataset, number: int) -> ProbeSequence:
    tokens = []
    for position, (which, exemplar) in enumerate(
        zip(draw.classes[:, number], draw.exemplars[:, number], strict=True)
    ):
        tokens.append(_exemplar(dataset, int(which), int(exemplar)))
        if position < len(draw.labels):
            label = label_letter(int(draw.labels[position, number]))
            tokens.append(ProbeToken(kind="label", text=label))
    return ProbeSequence(tokens=tuple(tokens), answer=label_letter(int(draw.target[number])))


def _exemplar(dataset: Dataset, which: int, exemplar: int) -> ProbeToken:
    image = None
    if dataset.thumbnails is not None:
        image = thumbnail_uri(dataset.thumbnails[which, exemplar])
    return ProbeToken(kind="exemplar", text=dataset.class_names[which], image=image)
