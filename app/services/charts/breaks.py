"""Where a line stops being numbers: a mark at its last finite point, and a sentence about it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.schemas.measure import Measurement
from app.services.wording import grouped

MOST_TOLD = 3  # lines that are named one by one


@dataclass
class Breaks:
    """Traces with the marks, and what is said below the figure."""

    traces: list[dict[str, Any]] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


def breaks_of(traces: Sequence[dict[str, Any]], rows: Sequence[Measurement]) -> Breaks:
    """A mark for every line that has a gap."""
    found = Breaks()
    gaps = [(trace, trace["y"].index(None)) for trace in traces if None in trace["y"]]
    for trace, index in gaps:
        sentence = f"{trace['name']} {_said(trace['y'], index, rows)}"
        found.sentences.append(sentence)
        if (mark := _mark(trace, index, sentence)) is not None:
            found.traces.append(mark)
    if len(gaps) > MOST_TOLD:
        first = min(rows[index].sequences for _, index in gaps)
        whole = (
            f"{len(gaps)} lines are not finite (NaN or infinite) from {grouped(first)} sequences on"
        )
        found.sentences = [whole]
    return found


def _said(numbers: Sequence[float | None], index: int, rows: Sequence[Measurement]) -> str:
    at = f"{grouped(rows[index].sequences)} sequences"
    later = [number for number in numbers[index:] if number is not None]
    if not later:
        return f"is not finite (NaN or infinite) from {at} on"
    return f"is not finite (NaN or infinite) in some points, first at {at}"


def _mark(trace: dict[str, Any], index: int, sentence: str) -> dict[str, Any] | None:
    """At the last finite point before the gap; of a line that begins with one, the first after."""
    numbers = trace["y"]
    place = index - 1 if index else next(_finite_places(numbers), None)
    if place is None:
        return None
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"{trace['name']}, not finite",
        "x": [trace["x"][place]],
        "y": [numbers[place]],
        "text": [sentence],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": "x-thin", "size": 9, "line": _pen(trace)},
        "visible": trace.get("visible", True),
        "zorder": 2,
        "meta": {**trace["meta"], "broken": True},
        "uid": f"{trace['uid']}-broken",
    }


def _pen(trace: dict[str, Any]) -> dict[str, Any]:
    return {"width": 2, "color": trace["line"]["color"]}


def _finite_places(numbers: Sequence[float | None]) -> Iterator[int]:
    return (index for index, number in enumerate(numbers) if number is not None)
