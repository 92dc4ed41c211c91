"""A run on a server: followed, read, forked, asked."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from optoscope.analyses import AnalysisHandle
from optoscope.options import Clamp
from optoscope.reading import cards, measurements
from optoscope.reading.answers import RunFacts, RunStateName, SavedWeights, TimelineEntry
from optoscope.reading.figures import plotly_figure
from optoscope.reading.frames import AttentionFrame, frame_from
from optoscope.reading.libraries import library
from optoscope.reading.points import MeasuredPoint, point_from
from optoscope.reading.tables import DataTable
from optoscope.wire.connection import Connection, part
from optoscope.wire.errors import OptoscopeError
from optoscope.wire.event_stream import PATIENCE, EventFollower

if TYPE_CHECKING:
    from plotly.graph_objects import Figure

END = 2**53 - 1  # past what any run measures; more is no whole number to a browser


class RunHandle:
    """A run on a server. `facts`: what the server said of it last."""

    def __init__(self, connection: Connection, facts: RunFacts) -> None:
        self._connection, self.facts = connection, facts
        self._path = f"/runs/{facts.id}"

    @property
    def id(self) -> str:
        """Ten letters and digits, for good."""
        return self.facts.id

    @property
    def name(self) -> str:
        """As it was called when the server was asked last."""
        return self.facts.name

    @property
    def state(self) -> RunStateName:
        """Where it stands now: asks the server, unless it had ended."""
        if not self.facts.is_terminal:
            self.refresh()
        return self.facts.state

    @property
    def url(self) -> str:
        """Its page."""
        return f"{self._connection.url}/runs/{self.id}"

    def refresh(self) -> Self:
        """Asks the server anew; see `facts`."""
        return self._told(self._connection.get(self._path))

    # Following

    def follow(self, after: int = -1, *, patience: float = PATIENCE) -> Iterator[MeasuredPoint]:
        """Every measurement past `after`, those that were made and then those that come, once each.

        Ends with the run. A connection that breaks is made anew and goes on where it was; after
        `patience` seconds without any answer it raises `OptoscopeError`. `facts` follows, too.
        """
        for event in EventFollower(self._connection, self.id, after, patience).events():
            if event.name == "run":
                self._told(event.data)
            elif event.name == "measurement":
                yield point_from(self.id, event.data)
            elif event.name == "measurements":
                yield from (point_from(self.id, said) for said in event.data)
        self.refresh()

    def wait(self, timeout: float | None = None) -> Self:
        """Returns when it has ended, in whatever state; `TimeoutError` after `timeout` seconds."""
        deadline = None if timeout is None else time.monotonic() + timeout
        follower = EventFollower(self._connection, self.id, END, deadline=deadline)
        for event in follower.events():
            if event.name == "run":
                self._told(event.data)
        return self.refresh()

    # Reading

    def measurements(self, *series: str, after: int = -1, until: int | None = None) -> DataTable:
        """Every measurement of these series, `*` for anything: `"loss.*"`; without any, of all.

        `after`, `until`: past and up to which `sequences`.
        """
        return measurements.of_run(self._connection, self.id, series, after=after, until=until)

    def frame_places(self) -> list[int]:
        """At which `sequences` there is attention."""
        return list(self._connection.get(f"{self._path}/frames")["sequences"])

    def frames(self, at: int | None = None) -> AttentionFrame:
        """The attention at the last place at or before `at`; without it the latest."""
        place = END if at is None else at
        return frame_from(self._connection.get(f"{self._path}/frames", {"sequences": place}))

    def save_frames(self, to: str | Path) -> Path:
        """Writes the attention of all places to an `.npz` file of NumPy."""
        return self._connection.save(f"{self._path}/frames.npz", Path(to))

    def probe(self) -> list[dict[str, Any]]:
        """The sequences whose attention the frames show: their tokens, and the right answer."""
        return list(self._connection.get(f"{self._path}/probe")["sequences"])

    def config(self) -> dict[str, Any]:
        """The whole config; launched again it gives the same numbers."""
        return dict(self._connection.get(f"{self._path}/config"))

    def timeline(self) -> list[TimelineEntry]:
        """What happened to it, oldest first."""
        said = self._connection.get(f"{self._path}/timeline")["events"]
        return [TimelineEntry.model_validate(one) for one in said]

    def log(self, tail: int = 200) -> list[str]:
        """The last lines of its log; a note in brackets if the server has none."""
        said = self._connection.get(f"{self._path}/log", {"tail": tail})
        return [*([f"[{said['note']}]"] if said["note"] else []), *said["lines"]]

    def figure(self, name: str = "loss", **query: Any) -> "Figure":
        """A figure of its page, as Plotly's: `loss`, `accuracy`, `induction` ...

        `query`: as the API takes it, `x="updates"`, `y="log"`, `drawing="heatmap"`.
        """
        return plotly_figure(self._connection.get(f"{self._path}/figures/{part(name)}", query))

    def report(self, to: str | Path) -> Path:
        """Writes its numbers, charts and attention to a page that opens without a server."""
        return self._connection.save(f"{self._path}/report.html", Path(to))

    def moving_picture(self, to: str | Path) -> Path:
        """Writes its circuit as it forms to an SVG that moves by itself, of at most 60 frames."""
        return self._connection.save(f"{self._path}/forming.svg", Path(to))

    # Weights

    def checkpoints(self) -> list[SavedWeights]:
        """Saved weights, oldest first."""
        said = self._connection.get(f"{self._path}/checkpoints")["checkpoints"]
        return [SavedWeights.model_validate(one) for one in said]

    def download(self, at: int, to: str | Path) -> Path:
        """Writes the checkpoint at exactly `at` to a safetensors file, and checks its SHA-256."""
        expected = [one.sha256 for one in self.checkpoints() if one.sequences == at]
        path = f"{self._path}/checkpoints/{at}/file"
        return self._connection.save(path, Path(to), sha256="".join(expected))

    def weights(self, at: int) -> dict[str, Any]:
        """The arrays of a checkpoint by name, as numpy's; takes the library safetensors."""
        load = library("safetensors.numpy", "safetensors").load
        with self._connection.stream(f"{self._path}/checkpoints/{at}/file") as answer:
            return dict(load(answer.read()))

    def archive(self, to: str | Path) -> Path:
        """Writes everything of it to a file, which `Client.import_archive` reads elsewhere."""
        return self._connection.save(f"{self._path}/archive.zip", Path(to))

    # Acting

    def fork(
        self,
        at: int,
        *,
        clamps: Sequence[Clamp] | None = None,
        optimiser: Literal["keep", "reset"] = "keep",
        learning_rate: float | None = None,
        data_seed: int | None = None,
        until: int | None = None,
        name: str = "",
        tags: Sequence[str] = (),
        notes: str = "",
    ) -> "RunHandle":
        """A new run from the checkpoint at `at`. What is left out stays as it is in this run.

        `clamps`: others instead, `[]` for none. `until`: where training ends, counted from this
        run's beginning. `optimiser`: goes on with Adam's moments, or begins with moments of 0.
        """
        body = {
            "sequences": at,
            "optimiser": optimiser,
            "program": None if clamps is None else [dict(one) for one in clamps],
            "learning_rate": learning_rate,
            "data_seed": data_seed,
            "until_sequences": until,
            "name": name,
            "tags": list(tags),
            "notes": notes,
        }
        said = self._connection.post(f"{self._path}/fork", body)
        return RunHandle(self._connection, RunFacts.model_validate(said))

    def analyse(self, kind: str, **settings: Any) -> AnalysisHandle:
        """Asks a question about its weights: `analyse("ablation_grid", acts=["none", "remove"])`.

        `Client.analysis_kinds` lists them. One that was asked before comes back at once.
        """
        return AnalysisHandle.ask(self._connection, {"kind": kind, "run": self.id, **settings})

    def analyses(self) -> list[AnalysisHandle]:
        """What was asked of it, the newest first."""
        return AnalysisHandle.every(self._connection, self.id)

    def cancel(self) -> Self:
        """Asks it to stop; what it measured stays."""
        return self._told(self._connection.post(f"{self._path}/cancel"))

    def pause(self) -> Self:
        """Sets it aside: it saves where it is and leaves its worker to others."""
        return self._told(self._connection.post(f"{self._path}/pause"))

    def resume(self) -> Self:
        """Has it go on, exactly as if it had never paused."""
        return self._told(self._connection.post(f"{self._path}/resume"))

    def change(self, **what: Any) -> Self:
        """Changes what is given: `name`, `tags`, `notes`, `colour`, `is_pinned`,
        `is_shelved`, `priority`, `keep_checkpoints`; with `was={"notes": ...}` only if that is so
        still."""
        return self._told(self._connection.patch(self._path, what))

    def delete(self, *, now: bool = False) -> None:
        """Deletes it once it has ended; it can be restored for a week, but not if `now`."""
        self._connection.delete(self._path, {"now": now})

    def restore(self) -> Self:
        """Takes its deletion back."""
        return self._told(self._connection.post(f"{self._path}/restore"))

    def __repr__(self) -> str:
        facts = self.facts
        places = f"{facts.sequences:,} of {facts.total_sequences:,} sequences"
        return f"<Run {facts.id} {facts.name!r}: {facts.state}, {places}>"

    def _repr_html_(self) -> str:
        frame = f"{self.url}?embed=1"
        is_live = False
        with suppress(OptoscopeError):  # a notebook that is opened without its server
            self.refresh()
            is_live = self._connection.may_be_framed(frame)
        return cards.run_card(self.facts, self.url, frame if is_live else "")

    def _told(self, said: Any) -> Self:
        self.facts = RunFacts.model_validate(said)
        return self
