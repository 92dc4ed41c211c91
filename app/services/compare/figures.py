"""Plotly figures of comparisons, as plain dicts: those of studies, with axes of their own.

Nothing is shown under the pointer by Plotly: the page says the numbers of all curves at once. The
layout's `meta` says of every group which run it is, where its numbers are in a measurement, and
what it came to.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from app.schemas.words import grouped
from app.services.charts.curves import RunGroup
from app.services.charts.overlay import ink_of, overlay_figure, run_trace
from app.services.charts.panels import panels_figure
from app.services.charts.style import CARD, MARK, MUTED, Figure
from app.services.compare.comparison import Comparison, is_apart
from app.services.compare.view import PANELS, CompareView

MOST_ROUGH = 12  # runs whose numbers are drawn faintly behind the smoothed ones


def compare_figure(comparison: Comparison, columns: int) -> Figure:
    """The figure of a comparison."""
    view, shown = comparison.view, comparison.curves
    is_panels = view.view == PANELS
    figure = panels_figure(shown, columns) if is_panels else overlay_figure(shown)
    layout = figure["layout"]
    note = layout["meta"]["note"]
    layout["meta"] |= {
        "groups": _groups(comparison, figure),
        "note": " ".join(filter(None, [note, _thinned(figure)])),
        "thinned": _drawn(figure) < layout["meta"]["points"],
        "zoomed": view.start is not None,
    }
    layout["hovermode"] = False
    layout["uirevision"] = f"{view.series} {view.align} {view.baseline} {view.group} {view.view}"
    _reframe(comparison, layout)
    panels = [name.removeprefix("xaxis") for name in layout if name.startswith("xaxis")]
    layout["shapes"] += list(_landmarks(view, panels))
    if not is_panels:
        layout["annotations"] += list(_landmark_labels(comparison))
        figure["data"] = [*_rough(comparison), *figure["data"]]
    return figure


def _reframe(comparison: Comparison, layout: dict[str, Any]) -> None:
    """Ranges and titles of the axes, which differ from those of a study."""
    view, shown = comparison.view, comparison.curves
    x_title = "sequences from the midpoint of the phase change" if view.is_aligned else ""
    y_title = f"difference of {shown.metric.unit}" if view.is_difference else ""
    ranges = {"x": _x_range(comparison), "y": _y_range(comparison)}
    for name, axis in layout.items():
        if not name.startswith(("xaxis", "yaxis")):
            continue
        axis["range"] = ranges[name[0]] or axis["range"]
        text = x_title if name[0] == "x" else y_title
        if text and "title" in axis:
            axis["title"] = axis["title"] | {"text": text}


def _x_range(comparison: Comparison) -> list[float] | None:
    view = comparison.view
    if view.start is not None and view.end is not None:
        return [view.start, view.end]
    if not view.is_aligned and not view.is_difference:
        return None
    places = [
        place
        for curve in comparison.curves.curves.values()
        for place in (curve.sequences[0], curve.sequences[-1])
    ]
    return [min(places), max(places)] if places else None


def _y_range(comparison: Comparison) -> list[float] | None:
    """Of differences: all of them, and zero."""
    if not comparison.view.is_difference:
        return None
    curves = comparison.curves.curves.values()
    numbers = [n for curve in curves for n in curve.numbers if math.isfinite(n)]
    low, high = min([0.0, *numbers]), max([0.0, *numbers])
    margin = 0.05 * (high - low) or 1.0
    return [float(f"{low - margin:.4g}"), float(f"{high + margin:.4g}")]


def _landmarks(view: CompareView, panels: list[str]) -> Iterator[dict[str, Any]]:
    """The baseline, and where loss drops, in every panel."""
    for name in panels:
        if view.is_difference:
            across = {"xref": f"x{name} domain", "yref": f"y{name}", "x0": 0, "x1": 1}
            yield _line("baseline", MUTED) | across | {"y0": 0, "y1": 0}
        if view.is_aligned:
            down = {"xref": f"x{name}", "yref": f"y{name} domain", "y0": 0, "y1": 1}
            yield _line("mark", MARK) | down | {"x0": 0, "x1": 0}


def _line(name: str, colour: str) -> dict[str, Any]:
    line = {"color": colour, "width": 1}
    # Below, the grid would hide it: it has a line at zero, too.
    return {"type": "line", "name": name, "layer": "above", "line": line}


def _landmark_labels(comparison: Comparison) -> Iterator[dict[str, Any]]:
    view = comparison.view
    if view.is_difference:
        names = {one.run.id: one.run.name for one in comparison.chosen.runs}
        where = {"xref": "paper", "x": 1, "y": 0, "xanchor": "right", "yanchor": "bottom"}
        yield _label("baseline", names[view.baseline]) | where
    if view.is_aligned:
        where = {"yref": "paper", "x": 0, "y": 1, "xanchor": "left", "yanchor": "top"}
        yield _label("mark", "midpoint") | where | {"xshift": 3}


def _label(name: str, text: str) -> dict[str, Any]:
    return {
        "text": text,
        "name": name,
        "showarrow": False,
        "bgcolor": CARD,
        "opacity": 0.9,
        "font": {"size": 11, "color": MUTED},
    }


def _rough(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """What was measured, faintly, behind what is smoothed."""
    shown = comparison.curves
    if not is_apart(comparison.view) or len(shown.groups) > MOST_ROUGH:
        return
    for number, group in enumerate(shown.groups):
        [run] = group.runs
        if run.run_id not in comparison.rough:
            continue
        ink = ink_of(shown.groups, number)
        trace = run_trace(shown, comparison.rough[run.run_id], ink, run.name, alone=False)
        meta = trace["meta"] | {"rough": True}
        yield trace | {"opacity": 0.25, "uid": f"rough-{run.run_id}", "zorder": -1, "meta": meta}


def _groups(comparison: Comparison, figure: Figure) -> list[dict[str, Any]]:
    """What legends say of every group, and how its curve goes on live."""
    said: list[dict[str, Any]] = figure["layout"]["meta"]["groups"]
    groups = comparison.curves.groups
    last = _last_numbers(figure)
    return [
        one | _identity(comparison, group) | {"last": last.get(number)}
        for number, (one, group) in enumerate(zip(said, groups, strict=False))
    ]


def _identity(comparison: Comparison, group: RunGroup) -> dict[str, Any]:
    """The key of a group; of a run by itself also where its numbers are."""
    if not is_apart(comparison.view):
        return {"key": group.label, "run_id": None, "pick": None, "origin": 0}
    [run] = group.runs
    return {
        "key": run.run_id,
        "run_id": run.run_id,
        "pick": comparison.place_of(run.run_id).pick,
        "origin": comparison.origins[run.run_id],
    }


def _last_numbers(figure: Figure) -> Mapping[int, dict[str, Any]]:
    """The end of every group's curve, or of its mean."""
    found: dict[int, dict[str, Any]] = {}
    for trace in figure["data"]:
        is_summary = trace["uid"].startswith("mean-")
        if trace["uid"].startswith("band-") or not trace["x"]:
            continue
        group = trace["meta"]["group"]
        if is_summary or group not in found:
            last = {"at": trace["x"][-1], "number": trace["y"][-1]}
            found[group] = last | {"runs": trace["customdata"][-1] if is_summary else 1}
    return found


def _drawn(figure: Figure) -> int:
    """Points of runs; means and ranges are none of their own."""
    return sum(len(one["x"]) for one in figure["data"] if not one["uid"].startswith(("mean", "ba")))


def _thinned(figure: Figure) -> str:
    drawn, of = _drawn(figure), figure["layout"]["meta"]["points"]
    if drawn >= of:
        return ""
    return (
        f"{grouped(drawn)} of {grouped(of)} points: the smallest, largest and last of every "
        "stretch are kept. Zoom in to see more."
    )
