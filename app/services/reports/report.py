"""What a report holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from markupsafe import Markup

from app.assets.bundles import inlined, plotly, styles
from app.services.charts.style import Figure

SCRIPT, STYLES = "js/report/page.js", ("css/site.css", "css/run.css", "css/report/page.css")


@dataclass(frozen=True)
class ReportChart:
    """A figure with what is said of it. `kind`: of one run, or curves of several."""

    title: str
    note: str
    kind: str
    figure: Figure
    height: int = 300
    smoothing: float = 0  # weight of the moving mean that is still to be drawn
    width: int = 0  # pixels that it needs at least; 0: as many as there are
    caption: str = ""
    before: Markup = field(default_factory=Markup)  # a text that stands above it


@dataclass(frozen=True)
class ReportTable:
    """Lines of cells under a heading; of facts the first cell is what they are of."""

    title: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]


@dataclass(frozen=True)
class WrittenReport:
    """A report, whatever it is of."""

    title: str
    kind: str  # "Run", "Comparison" ...
    lead: Sequence[str]
    sentences: Sequence[str] = ()
    charts: Sequence[ReportChart] = ()
    after: Markup = field(default_factory=Markup)  # a text below the charts
    tables: Sequence[ReportTable] = ()
    frames: dict[str, Any] | None = None
    config: str = ""  # as JSON, to repeat it by
    config_title: str = "Config"
    repeated_by: str = "optoscope train CONFIG.json --out DIR"


@dataclass(frozen=True)
class ReportFile:
    """Context of `reports/page.html`: the report, and all that it needs to be opened anywhere."""

    report: WrittenReport
    program: str
    data: dict[str, Any]
    style: str = field(default_factory=lambda: styles(*STYLES))
    plotly: str = field(default_factory=plotly)
    script: str = field(default_factory=lambda: inlined(SCRIPT))


def report_file(report: WrittenReport) -> ReportFile:
    """The report with its scripts and styles."""
    charts = [_drawn(place, one) for place, one in enumerate(report.charts)]
    data = {"charts": charts, "frames": report.frames}
    return ReportFile(report, version("optoscope"), data)


def _drawn(place: int, chart: ReportChart) -> dict[str, Any]:
    return {
        "place": place,
        "kind": chart.kind,
        "figure": chart.figure,
        "smoothing": chart.smoothing,
    }
