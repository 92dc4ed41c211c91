"""Runs that are compared: read, located, moved, subtracted, smoothed; and what is left out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from app.db import runs as rows
from app.db.series import Curve, curves_of
from app.db.studies import FigureRun
from app.errors import NotFound
from app.schemas.api.studies import AxisRead
from app.schemas.config import RunConfig
from app.schemas.measure import Bracket, PhaseChange
from app.schemas.state import TERMINAL
from app.services.charts.curves import EACH, RunGroup, group_runs, groupings
from app.services.charts.marks import Landmarks, restarts_of, windows_of
from app.services.charts.overlay import StudyCurves
from app.services.compare.curves import between, differences, moved, smoothed
from app.services.compare.differences import Differences, axes_of, differences_of, drawn_runs
from app.services.compare.series import ComparedRun, Located, NumberPlace, locate, series_or_error
from app.services.compare.view import CompareView
from app.services.series.brackets import midpoint_brackets
from app.services.wording import cut

LONGEST_GROUP = 80  # characters


@dataclass(frozen=True)
class Chosen:
    """The runs that were asked for, as far as there are such runs."""

    runs: Sequence[ComparedRun]
    unknown: Sequence[str]
    differences: Differences
    axes: Sequence[AxisRead]
    drawn: Sequence[FigureRun]

    @property
    def ids(self) -> list[str]:
        return [one.run.id for one in self.runs]

    @property
    def groups(self) -> dict[str, str]:
        return groupings(self.axes)


@dataclass(frozen=True)
class Comparison:
    """What figures, legends and tables of a comparison are made from."""

    view: CompareView
    chosen: Chosen
    curves: StudyCurves
    located: Located
    origins: Mapping[str, int]  # what places are counted from
    rough: Mapping[str, Curve] = field(default_factory=dict)  # before smoothing
    left_out: Mapping[str, str] = field(default_factory=dict)  # run: why
    ends: Mapping[str, int] = field(default_factory=dict)  # how far each run was measured
    midpoints: Mapping[str, Bracket] = field(default_factory=dict)  # between which measurements

    def place_of(self, run_id: str) -> NumberPlace:
        return self.located.places[run_id]


def choose(session: Session, run_ids: Sequence[str]) -> Chosen:
    """The runs with these ids, in this order."""
    found = rows.runs_by_id(session, run_ids)
    runs = [
        ComparedRun(found[one], RunConfig.model_validate(found[one].config))
        for one in run_ids
        if one in found
    ]
    differing = differences_of([one.config for one in runs])
    return Chosen(
        runs=runs,
        unknown=[one for one in run_ids if one not in found],
        differences=differing,
        axes=axes_of(differing),
        drawn=drawn_runs(runs, differing),
    )


def choose_all(session: Session, run_ids: Sequence[str]) -> Chosen:
    """The same; `NotFound` if any of them is no run."""
    chosen = choose(session, run_ids)
    if chosen.unknown:
        raise NotFound(f"There is no run {chosen.unknown[0]!r}.")
    return chosen


def compare(session: Session, chosen: Chosen, view: CompareView) -> Comparison:
    """The curves that a view shows."""
    series = series_or_error(view.series)
    located = locate(session, series, chosen.runs)
    exact = _midpoints(chosen) if view.is_aligned else dict.fromkeys(chosen.ids, 0.0)
    origins = {run_id: round(place) for run_id, place in exact.items()}
    # After the runs' rows: of a run that those call over, all measurements are there by now.
    measured = _read(session, located.places)
    curves = {id: moved(c, origins[id]) for id, c in measured.items() if id in origins}
    if view.is_difference:
        curves = differences(curves, view.baseline)
    restarts = _restarts(chosen, origins)
    smooth = {id: _cut(smoothed(c, view.smoothing, restarts[id]), view) for id, c in curves.items()}
    smooth = {id: curve for id, curve in smooth.items() if curve.sequences}
    return Comparison(
        view=view,
        chosen=chosen,
        curves=StudyCurves(
            metric=series,
            groups=_groups(chosen, view, smooth),
            curves=smooth,
            runs=len(smooth),
            total_sequences=max((run.total_sequences for run in chosen.drawn), default=1),
            labels_in_context=None if view.is_difference else _labels(chosen.drawn),
            offsets={run_id: place - origins[run_id] for run_id, place in exact.items()},
            seen=_seen(view),
        ),
        located=located,
        origins=origins,
        rough={id: _cut(c, view) for id, c in curves.items()} if view.smoothing else {},
        left_out=_left_out(chosen, view, located, measured, curves),
        ends={id: curve.sequences[-1] for id, curve in measured.items()},
        midpoints=midpoint_brackets(session, chosen.ids),
    )


def _read(session: Session, places: Mapping[str, NumberPlace]) -> dict[str, Curve]:
    """The curve of every run that was measured: a statement for each place, not for each run."""
    by_place: dict[NumberPlace, list[str]] = {}
    for run_id, place in places.items():
        by_place.setdefault(place, []).append(run_id)
    found = [
        curve
        for place, run_ids in by_place.items()
        for curve in curves_of(session, run_ids, place.column)
    ]
    return {curve.run_id: curve for curve in found}


def _midpoints(chosen: Chosen) -> dict[str, float]:
    """The midpoints of those runs that have one.

    Curves are moved by whole sequences. A mean at the place where they meet must take them where
    they cross the threshold, and not up to half a sequence away.
    """
    return {one.run.id: one.run.midpoint for one in chosen.runs if one.run.midpoint is not None}


def _seen(view: CompareView) -> tuple[int, int] | None:
    return None if view.start is None or view.end is None else (view.start, view.end)


def _restarts(chosen: Chosen, origins: Mapping[str, int]) -> dict[str, list[int]]:
    """Of every run where another program takes over, as its curve counts."""
    found = {}
    for one in chosen.runs:
        windows = windows_of(one.config.program)
        places = Landmarks(PhaseChange(), one.run.forked_at, windows=windows)
        origin = origins.get(one.run.id, 0)
        found[one.run.id] = [place - origin for place in restarts_of(places)]
    return found


def _cut(curve: Curve, view: CompareView) -> Curve:
    """What is looked at, with a point beyond either edge so that lines reach it."""
    if not curve.sequences:
        return curve
    start = curve.sequences[0] if view.start is None else view.start
    end = curve.sequences[-1] if view.end is None else view.end
    inside = between(curve, start, end)
    before = [n for n in curve.sequences if n < start][-1:]
    after = [n for n in curve.sequences if n > end][:1]
    ends = [*before, *inside.sequences, *after]
    return between(curve, ends[0], ends[-1]) if ends else inside


def _groups(chosen: Chosen, view: CompareView, curves: Mapping[str, Curve]) -> list[RunGroup]:
    """Groups of what can be drawn; of one run apart also when it is not measured yet."""
    groups = group_runs(chosen.axes, chosen.drawn, view.group)
    labels = distinct([group.label for group in groups])
    shown = [
        RunGroup(label, [run for run in group.runs if run.run_id in curves], group.hue)
        for label, group in zip(labels, groups, strict=True)
    ]
    return [group for group in shown if group.runs]


def distinct(labels: Sequence[str]) -> list[str]:
    """Labels, cut where they are long; those that then read alike are numbered."""
    short = [cut(label, LONGEST_GROUP) for label in labels]
    return [
        f"{label} ({1 + short[:index].count(label)})" if short.count(label) > 1 else label
        for index, label in enumerate(short)
    ]


def _labels(drawn: Sequence[FigureRun]) -> int | None:
    """How many labels there are in context, if as many in all runs."""
    labels = {run.labels_in_context for run in drawn}
    return labels.pop() if len(labels) == 1 else None


def _left_out(
    chosen: Chosen,
    view: CompareView,
    located: Located,
    measured: Mapping[str, Curve],
    curves: Mapping[str, Curve],
) -> dict[str, str]:
    """Runs that cannot be drawn, and why."""
    found: dict[str, str] = {}
    for one in chosen.runs:
        run_id = one.run.id
        if run_id in curves or (view.baseline == run_id and run_id in measured):
            continue
        if run_id in located.missing:
            found[run_id] = located.missing[run_id]
        elif run_id not in measured:
            found[run_id] = "has not been measured"
        elif view.is_aligned and one.run.midpoint is None:
            found[run_id] = no_midpoint(one)
        else:
            found[run_id] = "shares no part of the x axis with the baseline"
    if view.is_aligned and view.baseline and view.baseline not in _midpoints(chosen):
        [baseline] = [one for one in chosen.runs if one.run.id == view.baseline]
        found[view.baseline] = f"{no_midpoint(baseline)}, so nothing can be subtracted"
    return found


def no_midpoint(one: ComparedRun) -> str:
    """Why a run has none."""
    has_ended = one.run.state in TERMINAL
    return "its loss never dropped" if has_ended else "its loss has not dropped yet"


def is_apart(view: CompareView) -> bool:
    """Whether every run has its own colour."""
    return view.group == EACH
