"""The runs of a study as a table, a line each."""

from collections.abc import Iterator

from app.schemas.api.studies import StudyRunRead, WholeStudyRead
from app.services.csv_text import csv_text

_NUMBERS = ("sequences", "total_sequences", "train_loss", "midpoint", "end")
_UNITS = {"train_loss": "train_loss_nats"}


def study_lines(study: WholeStudyRead) -> Iterator[str]:
    """Its head, then run after run, in the order of the study."""
    axes = [axis.field for axis in study.axes]
    numbers = [_UNITS.get(name, name) for name in _NUMBERS]
    yield csv_text([("run_id", "run", *axes, "state", "is_reused", *numbers)])
    for run in study.runs:
        yield csv_text([_cells(run, axes)])


def _cells(run: StudyRunRead, axes: list[str]) -> list[object]:
    given = [run.values.get(axis, "") for axis in axes]
    found = [getattr(run, name) for name in _NUMBERS]
    came_to = ["" if one is None else one for one in found]
    return [run.id, run.name, *given, run.state.value, str(run.is_reused).lower(), *came_to]
