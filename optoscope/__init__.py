"""Optoscope from a program: `Client()` launches runs, follows them and has their numbers.

Nothing here needs torch or a server in its imports; pandas, numpy or Plotly only where they are
asked for. docs/client.md has an example of everything.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from optoscope.analyses import AnalysisHandle
    from optoscope.boards import BoardHandle
    from optoscope.client import Client
    from optoscope.options import clamp
    from optoscope.paper import PaperHandle
    from optoscope.reading.frames import AttentionFrame
    from optoscope.reading.points import MeasuredPoint
    from optoscope.reading.tables import DataTable
    from optoscope.runs import RunHandle
    from optoscope.studies import StudyHandle
    from optoscope.wire.errors import OptoscopeError, RequestFault

_HOMES = {
    "AnalysisHandle": "analyses",
    "AttentionFrame": "reading.frames",
    "BoardHandle": "boards",
    "Client": "client",
    "DataTable": "reading.tables",
    "MeasuredPoint": "reading.points",
    "OptoscopeError": "wire.errors",
    "PaperHandle": "paper",
    "RequestFault": "wire.errors",
    "RunHandle": "runs",
    "StudyHandle": "studies",
    "clamp": "options",
}

__all__ = [
    "AnalysisHandle",
    "AttentionFrame",
    "BoardHandle",
    "Client",
    "DataTable",
    "MeasuredPoint",
    "OptoscopeError",
    "PaperHandle",
    "RequestFault",
    "RunHandle",
    "StudyHandle",
    "clamp",
]


def __getattr__(name: str) -> object:
    """Loads what is asked for: servers and workers, which are started from here, need no client."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
