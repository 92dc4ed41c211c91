"""A figure of the paper on a server: made, waited for, drawn beside the published numbers."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from optoscope.reading.answers import PaperFacts
from optoscope.reading.figures import plotly_figure
from optoscope.reading.tables import DataTable, of_csv
from optoscope.wire.connection import Connection
from optoscope.wire.paging import until

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

_UNDER_WAY = ("training", "analysing")


class PaperHandle:
    """A figure or table of the paper. `facts`: what the server said of it last."""

    def __init__(self, connection: Connection, facts: PaperFacts) -> None:
        self._connection, self.facts = connection, facts
        self._path = f"/figures/paper/{facts.id}"

    @property
    def id(self) -> str:
        """Such as `fig-4b`."""
        return self.facts.id

    def refresh(self) -> Self:
        """Asks the server anew; see `facts`."""
        self.facts = PaperFacts.model_validate(self.read())
        return self

    def read(self) -> dict[str, Any]:
        """All that there is: its runs, the published numbers, deviations, whether claims hold."""
        return dict(self._connection.get(self._path))

    def plan(self) -> dict[str, Any]:
        """What `make` would launch, and what it would cost."""
        return dict(self._connection.post(f"{self._path}/make", query={"dry_run": True}))

    def make(self) -> Self:
        """Has trained and asked what it lacks; what is there already is not done again."""
        self._connection.post(f"{self._path}/make")
        return self.refresh()

    def wait(self, timeout: float | None = None) -> Self:
        """Returns when nothing of it is under way; `TimeoutError` after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        until(self._is_over, f"The paper's {self.facts.name}", deadline)
        return self

    def figure(self, part: str = "training", columns: int = 2) -> "Figure":
        """Our curves with the published points, as Plotly's. `part`: of a figure that has both,
        `training` or `analysis`."""
        query = {"part": part, "columns": columns}
        return plotly_figure(self._connection.get(f"{self._path}/figure", query))

    def report(self, to: str | Path) -> Path:
        """Writes it to a page that opens without a server."""
        return self._connection.save(f"{self._path}/report.html", Path(to))

    def table(self) -> DataTable:
        """Its numbers: ours, and the published ones; losses in nats."""
        return of_csv(self._connection.text(f"{self._path}/table.csv"))

    def __repr__(self) -> str:
        facts = self.facts
        return f"<{facts.name}: {facts.state}, {facts.finished} of {facts.runs} runs>"

    def _is_over(self) -> bool:
        facts = self.refresh().facts
        return facts.state not in _UNDER_WAY and not facts.going
