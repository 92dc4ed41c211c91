"""Figures of the API as Plotly's own objects."""

from typing import TYPE_CHECKING

from optoscope.reading.libraries import library
from optoscope.wire.connection import Json

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


def plotly_figure(said: Json) -> "Figure":
    """A `plotly.graph_objects.Figure` that shows and saves itself."""
    made: Figure = library("plotly.graph_objects").Figure(
        {name: said[name] for name in ("data", "layout") if name in said}
    )
    return made
