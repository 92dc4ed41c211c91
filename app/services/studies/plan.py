"""What a study's request would launch: its runs, which of them have finished before, the cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy.orm import Session

from app.db import studies as rows
from app.db.workers import largest
from app.errors import Invalid
from app.schemas.api.studies import AxisRead, DuplicateRead, PlannedRun, StudyDryRun, StudyEstimate
from app.schemas.config import RunConfig
from app.schemas.studies.expansion import (
    ExpandedRun,
    Expansion,
    StudyError,
    axes_of,
    axis_title,
    expand,
)
from app.schemas.studies.request import PROGRAM, StudyRequest
from app.services.costs.estimates import Rate, estimate
from app.services.costs.sizes import excess_of, together
from app.services.launch.sentences import clamp_sentence, full_stop, sentence_of
from app.services.runs.data_files import check_data_file, identity_of, path_of
from app.services.runs.grafts import donors_of, grafts_of, impossible_grafts

LONGEST_NAME = 200
NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class StudyPlan:
    """The runs of a study, and which of them are there already."""

    name: str
    axes: list[AxisRead]
    expansion: Expansion
    # Ids of finished runs, and of joined ones, by the hash of their config.
    finished: dict[str, str]

    @property
    def runs(self) -> Sequence[ExpandedRun]:
        return self.expansion.runs

    @property
    def needed(self) -> set[str]:
        """The runs that there must be: those that are reused, and those that others graft from."""
        donors = [donors_of(one.config) for one in self.runs]
        return {*self.finished.values()}.union(*donors)

    @property
    def new(self) -> list[ExpandedRun]:
        return [one for one in self.runs if one.config_hash not in self.finished]


def make_plan(
    session: Session, request: StudyRequest, joined: Mapping[str, str] = NOTHING
) -> StudyPlan:
    """The study that is asked for; `Invalid` at the part of the request that cannot be.

    `joined`: ids of runs by the hash of their config that are in it, whether finished or not.
    """
    try:
        expansion = expand(request)
    except StudyError as error:
        raise _invalid(error, request) from None
    runs = expansion.runs
    _check_grafts(session, runs)
    _check_data_files(session, runs)
    _check_sizes(session, runs)
    hashes = [one.config_hash for one in runs] if request.reuse_finished else []
    axes = [
        AxisRead(field=field, title=axis_title(field), labels=labels)
        for field, labels in axes_of(request, runs).items()
    ]
    name = request.name or default_name(axes, len(runs))
    # As of now, and without a lock: a launch keeps them, see `lifecycle`.
    return StudyPlan(name, axes, expansion, _finished(session, runs, hashes) | dict(joined))


def _check_data_files(session: Session, runs: Sequence[ExpandedRun]) -> None:
    """Raises `Invalid` for the first run whose file cannot be trained from."""
    for run in runs:
        check_data_file(session, run.config, at=run.pointer)


def _check_sizes(session: Session, runs: Sequence[ExpandedRun]) -> None:
    """Raises `Invalid` for the first run that is too large, or for all of them together."""
    known = largest(session)
    for run in runs:
        if excess := excess_of(run.config, 0, known):
            raise Invalid(f"{run.name}: {excess.said}", loc=run.pointer)
    if said := together([run.config for run in runs], known):
        raise Invalid(said, loc="/base")


def _finished(
    session: Session, runs: Sequence[ExpandedRun], hashes: Sequence[str]
) -> dict[str, str]:
    """Finished runs of the same configs; from a file only those that were trained from its present
    contents, as far as these can be seen from here."""
    with_files = [one for one in runs if path_of(one.config) is not None]
    contents = {one.config_hash: identity_of(one.config) for one in with_files}
    return rows.finished_runs(session, hashes, contents)


def default_name(axes: Sequence[AxisRead], runs: int) -> str:
    """What a study is called that nobody named: how many runs, and what varies."""
    by = [axis.title.lower() for axis in axes if len(axis.labels) > 1]
    name = f"{runs} run{'' if runs == 1 else 's'}" + (f" by {', '.join(by)}" if by else "")
    return name[:LONGEST_NAME]


def read_plan(session: Session, plan: StudyPlan) -> StudyDryRun:
    """The plan as the API says it."""
    return StudyDryRun(
        name=plan.name,
        axes=plan.axes,
        runs=[
            PlannedRun(
                name=one.name,
                values=one.values,
                config_hash=one.config_hash,
                reuses=plan.finished.get(one.config_hash),
            )
            for one in plan.runs
        ],
        duplicates=[
            DuplicateRead(name=name, same_as=same) for name, same in plan.expansion.duplicates
        ],
        estimate=_estimate(session, plan),
    )


def _estimate(session: Session, plan: StudyPlan) -> StudyEstimate:
    """The sum over new runs; runs alike are looked up once."""
    rates: dict[tuple[str, int], Rate] = {}
    total = StudyEstimate(
        new_runs=len(plan.new),
        reused_runs=len(plan.runs) - len(plan.new),
        sequences=0,
        seconds=0,
        based_on="",
        measurements=0,
        checkpoints=0,
        checkpoint_bytes=0,
    )
    for config in (one.config for one in plan.new):
        cost = estimate(session, config, known=rates.get(_alike(config)))
        rates[_alike(config)] = Rate(cost.sequences_per_second, cost.side_by_side, cost.based_on)
        total.sequences += config.training.total_sequences
        total.seconds += cost.seconds / min(cost.side_by_side, len(plan.new))
        total.based_on = total.based_on or cost.based_on
        total.measurements += cost.measurements
        total.checkpoints += cost.checkpoints
        total.checkpoint_bytes += cost.checkpoint_bytes
    return total


def _alike(config: RunConfig) -> tuple[str, int]:
    return config.model.model_dump_json(), config.training.batch_size


def _check_grafts(session: Session, runs: Sequence[ExpandedRun]) -> None:
    """Raises `Invalid` for the first graft that cannot be made."""
    for run in runs:
        if any(grafts_of(run.config)):
            for index, sentence in impossible_grafts(session, run.config):
                raise Invalid(f"{run.name}: clamp {index + 1}, {sentence}", loc=run.pointer)


def _invalid(error: StudyError, request: StudyRequest) -> Invalid:
    """What the expansion refuses, as a sentence."""
    if error.cause is None:
        return Invalid(full_stop(str(error)), loc=error.loc)
    loc = error.cause["loc"]
    if loc[:1] == (PROGRAM,) and len(loc) > 1:
        said = clamp_sentence(error.cause, loc[2:], error.clamp)
    else:
        option = ".".join(map(str, loc[:2]))
        said = f"{option}: {sentence_of(error.cause)}" if option else sentence_of(error.cause)
    return Invalid(f"{error}: {said}", loc=error.loc)
