"""A study on a server: runs that differ in what varies."""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from optoscope.options import place_of
from optoscope.reading import cards, measurements
from optoscope.reading.answers import RunFacts, StudyFacts
from optoscope.reading.figures import plotly_figure
from optoscope.reading.tables import DataTable
from optoscope.runs import RunHandle
from optoscope.wire.connection import Connection
from optoscope.wire.errors import OptoscopeError
from optoscope.wire.paging import pages, until

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

Axes = Mapping[str, Sequence[Any]] | Sequence[Mapping[str, Any]]


class StudyHandle:
    """A study on a server. `facts`: what the server said of it last."""

    def __init__(self, connection: Connection, facts: StudyFacts) -> None:
        self._connection, self.facts = connection, facts
        self._path = f"/studies/{facts.id}"

    @classmethod
    def every(cls, connection: Connection) -> list[Self]:
        """All studies, the newest first."""
        found = pages(connection, "/studies", "studies", {})
        return [cls(connection, StudyFacts.model_validate(one)) for one in found]

    @property
    def id(self) -> str:
        """Ten letters and digits, for good."""
        return self.facts.id

    @property
    def name(self) -> str:
        """As it was called when the server was asked last."""
        return self.facts.name

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self._connection.url}/studies/{self.id}"

    @property
    def runs(self) -> list[RunHandle]:
        """Its runs as they are now, in the order of the request; those that were deleted are not
        there."""
        found = pages(self._connection, "/runs", "runs", {"study": self.id, "sort": "created"})
        by_id = {one["id"]: RunFacts.model_validate(one) for one in found}
        order = [one.id for one in self.refresh().facts.runs]
        return [RunHandle(self._connection, by_id[one]) for one in order if one in by_id]

    def refresh(self) -> Self:
        """Asks the server anew; see `facts`."""
        self.facts = StudyFacts.model_validate(self._connection.get(self._path))
        return self

    def wait(self, timeout: float | None = None) -> Self:
        """Returns when every run has ended, in whatever state; `TimeoutError` after `timeout`
        seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        until(lambda: self.refresh().facts.progress.is_over, f"Study {self.id}", deadline)
        return self

    def measurements(self, *series: str) -> DataTable:
        """Every measurement of its runs, `run_id` in front, then a column for every axis."""
        members = {one.id: one.values for one in self.refresh().facts.runs}
        table = measurements.of_runs(self._connection, list(members), series)
        ids = table.columns.pop("run_id", [])
        axes = dict.fromkeys(name for values in members.values() for name in values)
        varied = {name: [members[one].get(name) for one in ids] for name in axes}
        return DataTable({"run_id": ids, **varied, **table.columns})

    def figure(self, metric: str | None = None, **query: Any) -> "Figure":
        """Its curves, as Plotly's. `metric`: such as `loss.new_classes`; `query`: `group`, `view`,
        `columns`, as the API takes them."""
        said = self._connection.get(f"{self._path}/figure", {"metric": metric, **query})
        return plotly_figure(said)

    def table(self) -> DataTable:
        """Its runs as they are now, a line each: what every axis is in it, and what it came to."""
        runs = self.refresh().facts.runs
        axes = dict.fromkeys(name for run in runs for name in run.values)
        varied = {name: [run.values.get(name) for run in runs] for name in axes}
        names = ("state", "progress", "train_loss", "midpoint", "end")
        numbers = {name: [getattr(run, name) for run in runs] for name in names}
        who = {"run_id": [run.id for run in runs], "run": [run.name for run in runs]}
        return DataTable(who | varied | numbers)

    def report(self, to: str | Path, **view: Any) -> Path:
        """Writes its curves, settings and outcomes, and every run to a page that opens without a
        server. `view`: `metric`, `group`, `view`, as of `figure`."""
        return self._connection.save(f"{self._path}/report.html", Path(to), view)

    def archive(self, to: str | Path) -> Path:
        """Writes it and its runs to a file, which `Client.import_archive` reads elsewhere."""
        return self._connection.save(f"{self._path}/archive.zip", Path(to))

    def request(self) -> dict[str, Any]:
        """What it was launched with."""
        return dict(self._connection.get(f"{self._path}/request"))

    def cancel(self) -> Self:
        """Asks all of its runs to stop; what they measured stays."""
        return self._asked("cancel")

    def pause(self) -> Self:
        """Sets all of its runs aside."""
        return self._asked("pause")

    def resume(self) -> Self:
        """Has its paused runs go on."""
        return self._asked("resume")

    def change(self, **what: Any) -> Self:
        """Changes what is given: `name`, `tags`, `notes`."""
        self._connection.patch(self._path, what)
        return self.refresh()

    def delete(self, *, runs: bool = False) -> None:
        """Deletes the list alone, or with `runs` those that only it holds, too."""
        self._connection.delete(self._path, {"runs": runs})

    def __repr__(self) -> str:
        course = self.facts.progress
        states = ", ".join(f"{count} {state}" for state, count in course.by_state.items())
        return f"<Study {self.id} {self.name!r}: {states or 'no runs'}>"

    def _repr_html_(self) -> str:
        with suppress(OptoscopeError):  # a notebook that is opened without its server
            self.refresh()
        return cards.study_card(self.facts, self.url)

    def _asked(self, what: str) -> Self:
        self._connection.post(f"{self._path}/{what}")
        return self.refresh()


def axes_of(axes: Axes) -> list[dict[str, Any]]:
    """Axes as the API takes them, from `{"seed": [5, 6], "clamps": [[...], {"preset": "match"}]}`,
    or from a list of them with labels of one's own."""
    if isinstance(axes, Mapping):
        return [{"field": place_of(name), "values": list(some)} for name, some in axes.items()]
    return [{**one, "field": place_of(one["field"])} for one in axes]
