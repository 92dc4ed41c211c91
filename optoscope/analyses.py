"""An analysis on a server: a question about a run's saved weights, and its answer."""

import time
from typing import TYPE_CHECKING, Any, Self

from optoscope.reading.answers import AnalysisFacts, RunStateName
from optoscope.reading.figures import plotly_figure
from optoscope.reading.tables import DataTable, of_csv
from optoscope.wire.connection import Connection
from optoscope.wire.paging import pages, until

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


class AnalysisHandle:
    """An analysis on a server. `facts`: what the server said of it last."""

    def __init__(self, connection: Connection, facts: AnalysisFacts) -> None:
        self._connection, self.facts = connection, facts
        self._path = f"/analyses/{facts.id}"

    @classmethod
    def ask(cls, connection: Connection, request: dict[str, Any]) -> Self:
        """A new one, or the one that has answered the same."""
        said = connection.post("/analyses", request)
        return cls(connection, AnalysisFacts.model_validate(said))

    @classmethod
    def every(cls, connection: Connection, run_id: str | None = None) -> list[Self]:
        """Those of a run, or all, the newest first."""
        found = pages(connection, "/analyses", "analyses", {"run": run_id})
        return [cls(connection, AnalysisFacts.model_validate(one)) for one in found]

    @property
    def id(self) -> str:
        """Ten letters and digits, for good."""
        return self.facts.id

    @property
    def state(self) -> RunStateName:
        """Where it stands now: asks the server, unless it had ended."""
        if not self.facts.is_terminal:
            self.refresh()
        return self.facts.state

    def refresh(self) -> Self:
        """Asks the server anew; see `facts`."""
        self.facts = AnalysisFacts.model_validate(self._connection.get(self._path))
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Returns when it has ended, in whatever state; `TimeoutError` after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        until(lambda: self.refresh().facts.is_terminal, f"Analysis {self.id}", deadline)
        return self

    def result(self) -> dict[str, Any]:
        """All that was found so far, as the API says it."""
        return dict(self._connection.get(f"{self._path}/result"))

    def table(self) -> DataTable:
        """The same as a table, a line for every checkpoint and program."""
        return of_csv(self._connection.text(f"{self._path}/result.csv"))

    def figure(self, columns: int = 2) -> "Figure":
        """Its figure, as Plotly's."""
        return plotly_figure(self._connection.get(f"{self._path}/figure", {"columns": columns}))

    def cancel(self) -> Self:
        """Asks it to stop; what was found stays."""
        said = self._connection.post(f"{self._path}/cancel")
        self.facts = AnalysisFacts.model_validate(said)
        return self

    def delete(self) -> None:
        """Removes it once it has ended, and what it found."""
        self._connection.delete(self._path)

    def __repr__(self) -> str:
        facts = self.facts
        parts = f"{facts.done} of {facts.total or '?'} parts"
        return f"<Analysis {facts.id} {facts.kind} of run {facts.run_id}: {facts.state}, {parts}>"
