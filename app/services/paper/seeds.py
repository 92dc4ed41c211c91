"""Fig. 18 from what is here: heads of several seeds joined, drawn, and held against its claims."""

from collections.abc import Iterator, Sequence
from typing import Any

from app.schemas.paper.figure import PAPER
from app.schemas.paper.joined import SEEDS, SeedHead, heads_published
from app.services.analyses.drawing.parts import plain_layout
from app.services.charts.style import HUES, Figure, axis_style, titled

_PANELS = {
    "accuracy": "accuracy of the head alone",
    "loss": "loss of the head alone (nats)",
    "time": "sequences until it has learned alone",
}
_GAP = 0.06  # between panels, of the figure
_TALL = 300  # pixels of a panel, those below each other


def seeds_drawing(heads: Sequence[SeedHead], columns: int) -> Figure:
    """Strength against accuracy, loss and learning time, a colour each seed; the paper's as open
    circles."""
    is_wide = columns >= len(_PANELS)
    layout = plain_layout(meta={"height": 400 if is_wide else 3 * _TALL + 100})
    traces: list[dict[str, Any]] = []
    for number, (name, said) in enumerate(_PANELS.items()):
        suffix = "" if number == 0 else str(number + 1)
        traces += _dots(heads, name, suffix, "ours")
        traces += _dots(heads_published(), name, suffix, PAPER)
        layout |= _axes(number, suffix, said, is_wide=is_wide)
    return {"data": traces, "layout": layout}


def _dots(
    heads: Sequence[SeedHead], name: str, suffix: str, whose: str
) -> Iterator[dict[str, Any]]:
    for seed, hue in zip(SEEDS, HUES, strict=False):
        own = [one for one in heads if one.seed == seed and getattr(one, name) is not None]
        if own:
            yield {
                "type": "scatter",
                "mode": "markers",
                "name": f"seed {seed}" if whose == "ours" else f"seed {seed}: {whose}",
                "legendgroup": f"{seed} {whose}",
                "showlegend": not suffix,
                "x": [getattr(one, name) for one in own],
                "y": [one.strength for one in own],
                "text": [f"seed {seed}, head {one.head}" for one in own],
                "xaxis": f"x{suffix}",
                "yaxis": f"y{suffix}",
                "marker": {
                    "symbol": "circle" if whose == "ours" else "circle-open",
                    "size": 8 if whose == "ours" else 7,
                    "color": hue,
                },
                "hovertemplate": "%{text}: strength %{y:.3f} at %{x:.4g}<extra>"
                + whose
                + "</extra>",
                "meta": {"is_ink": False},
                "uid": f"{whose}-{seed}{suffix}",
            }


def _axes(number: int, suffix: str, said: str, *, is_wide: bool) -> dict[str, Any]:
    share = (1 - 2 * _GAP) / 3
    if is_wide:
        left = number * (share + _GAP)
        across, along = [left, left + share], [0.0, 1.0]
    else:
        top = 1 - number * (share + 1.5 * _GAP)
        across, along = [0.0, 1.0], [max(0.0, top - share + _GAP), top]
    style = axis_style()
    return {
        f"xaxis{suffix}": titled(style | {"domain": across, "anchor": f"y{suffix}"}, said),
        f"yaxis{suffix}": titled(
            style | {"domain": along, "anchor": f"x{suffix}"}, "induction strength (−1 to 1)"
        ),
    }
