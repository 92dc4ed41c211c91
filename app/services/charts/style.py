"""Colours and type of all figures, as on light paper; the browser swaps them in its dark theme."""

from typing import Any

from app.schemas.clamps.base import Light

Figure = dict[str, Any]

INK, MUTED, GRID, CARD = "#11161D", "#59626F", "#ECEEF2", "#FFFFFF"
CLEAR = "rgba(0, 0, 0, 0)"
MARK, BAND, KNOWN = "#8A80AB", "rgba(138, 128, 171, 0.11)", "rgba(138, 128, 171, 0.25)"
# As in site.css: clamps are light, in one colour each.
LIGHT_HUES = {Light.DRIVEN: "#1668DC", Light.SILENCED: "#D97706", Light.PRESERVED: "#7C3AED"}
# Colour-blind safe (Tol bright and kin); a head has its hue in every view.
HUES = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#EE8866", "#777777")
DASHES = ("solid", "dash", "dot", "dashdot")  # heads 8 to 15 repeat the hues dashed, and so on
FONT = "system-ui, -apple-system, Segoe UI, Helvetica Neue, Arial, sans-serif"
MARGIN = {"l": 46, "r": 18, "t": 10, "b": 42}

# Of numbers from 0 to 1, as in attention maps; and of numbers around 0, whose middle is the card.
SEQUENTIAL = ("#FFFFFF", "#D5E5F6", "#74AEE0", "#2E72B8", "#08397F")
DIVERGING = ("#8C2D04", "#E08B5A", "#FFFFFF", "#74AEE0", "#08397F")


def head_hue(head: int) -> str:
    """The colour of a head in every view."""
    return HUES[head % len(HUES)]


def head_dash(head: int) -> str:
    """Heads of the same hue differ by their dashes."""
    return DASHES[head // len(HUES) % len(DASHES)]


def axis_style() -> dict[str, Any]:
    """What both axes of every figure share."""
    return {
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "tickfont": {"size": 11, "color": MUTED},
        "title": {"font": {"size": 11, "color": MUTED}, "standoff": 6},
        # Margins have room for all labels. Else each is measured, whenever a chart is drawn.
        "ticklabeloverflow": "allow",
    }


def titled(axis: dict[str, Any], text: str, **more: object) -> dict[str, Any]:
    """The axis with its title."""
    return {**axis, "title": {**axis["title"], "text": text}, **more}
