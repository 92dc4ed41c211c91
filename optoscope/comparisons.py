"""Several runs of a server, laid against each other."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optoscope.reading.figures import plotly_figure
from optoscope.reading.tables import DataTable
from optoscope.wire.connection import Connection, part

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class ComparisonHandle:
    """A comparison of runs. It is kept nowhere: everything is asked of the server anew.

    `view`: as the address of the page has it, `series="loss.new_classes"`, `group="all"`,
    `align="midpoint"`, `x="training.learning_rate"`, `y="midpoint"`.
    """

    def __init__(self, connection: Connection, run_ids: Sequence[str]) -> None:
        self._connection = connection
        self._runs = ",".join(run_ids)

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self._connection.url}/compare?runs={self._runs}"

    def figure(self, **view: Any) -> "Figure":
        """Its curves, as Plotly's."""
        return plotly_figure(self._connection.get("/compare/figure", self._asked(view)))

    def outcomes(self) -> DataTable:
        """What the runs were given and what they came to, a line a run; None where it has none."""
        said = self._connection.get("/compare/outcomes", self._asked({}))
        runs = {"run_id": [one["id"] for one in said["runs"]]}
        runs["run"] = [one["name"] for one in said["runs"]]
        return DataTable(runs | {one["id"]: one["values"] for one in said["quantities"]})

    def correlations(self) -> DataTable:
        """Spearman's rank correlation of each setting and outcome with each outcome: `x`, `y`, of
        how many `runs`, `rho` and its 95 % interval, `tells_little` if they are few."""
        said = self._connection.get("/compare/outcomes", self._asked({}))["correlations"]
        names = ("x", "y", "runs", "rho", "low", "high", "tells_little")
        return DataTable({name: [one[name] for one in said] for name in names})

    def outcomes_figure(self, name: str = "scatter", **view: Any) -> "Figure":
        """A figure of settings and outcomes, as Plotly's: `scatter` (`x` and `y` say of what),
        `correlations`, `parallel` or `heads` (`heads`, `moment`)."""
        path = f"/compare/outcomes/figures/{part(name)}"
        return plotly_figure(self._connection.get(path, self._asked(view)))

    def report(self, to: str | Path, **view: Any) -> Path:
        """Writes it, settings and outcomes too, to a page that opens without a server."""
        return self._connection.save("/compare/report.html", Path(to), self._asked(view))

    def __repr__(self) -> str:
        return f"<Comparison of {self._runs.count(',') + 1} runs>"

    def _asked(self, view: dict[str, Any]) -> dict[str, Any]:
        return {"runs": self._runs, **view}
