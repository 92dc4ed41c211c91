"""The door: one server, and everything that can be asked of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from optoscope.analyses import AnalysisHandle
from optoscope.boards import Blocks, BoardHandle, blocks_of
from optoscope.comparisons import ComparisonHandle
from optoscope.options import Clamp, Config, RunOptions, laid_over, merged
from optoscope.paper import PaperHandle
from optoscope.reading import measurements
from optoscope.reading.answers import (
    AnalysisFacts,
    BoardFacts,
    PaperFacts,
    RunFacts,
    RunsTogether,
    StudyFacts,
)
from optoscope.reading.figures import plotly_figure
from optoscope.reading.tables import DataTable
from optoscope.runs import RunHandle
from optoscope.studies import Axes, StudyHandle, axes_of
from optoscope.wire import settings
from optoscope.wire.connection import Connection, Json, part
from optoscope.wire.paging import pages

if TYPE_CHECKING:
    from plotly.graph_objects import Figure
    from typing_extensions import Unpack

Texts = str | Sequence[str]
Base = Config | RunHandle | str | None


class Client:
    """An Optoscope server.

    `url`: its address, else OPTOSCOPE_URL, else the one of `optoscope up` on this machine. `token`:
    what lets one in, else OPTOSCOPE_TOKEN, else what the file `token_file` or OPTOSCOPE_TOKEN_FILE
    holds; none for a server that asks for none. Every method raises `OptoscopeError`.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        token_file: str | Path | None = None,
    ) -> None:
        self._connection = Connection(settings.address(url), settings.token(token, token_file))

    @property
    def url(self) -> str:
        """Its address."""
        return self._connection.url

    # Runs

    def launch(
        self,
        *,
        name: str = "",
        clamps: Sequence[Clamp] | None = None,
        preset: str | None = None,
        config: Config | None = None,
        tags: Sequence[str] = (),
        notes: str = "",
        priority: int = 0,
        **options: "Unpack[RunOptions]",
    ) -> RunHandle:
        """Queues a run. Without anything said it is the paper's main experiment.

        From `preset` (see `presets`), or `config` (sections as in the API), or both, the second
        laid over the first; then `clamps`, and options by name: `sequences=600_000`, `seed=6`.
        """
        body = self._launch_body(preset, config, clamps, options)
        body |= {"name": name, "tags": list(tags), "notes": notes, "priority": priority}
        return self._run(self._connection.post("/runs", body))

    def plan(
        self,
        *,
        clamps: Sequence[Clamp] | None = None,
        preset: str | None = None,
        config: Config | None = None,
        **options: "Unpack[RunOptions]",
    ) -> dict[str, Any]:
        """What `launch` would launch: its whole config, in sentences, and what it would cost."""
        body = self._launch_body(preset, config, clamps, options)
        return dict(self._connection.post("/runs", body, {"dry_run": True}))

    def run(self, run_id: str) -> RunHandle:
        """A run by its id."""
        return self._run(self._connection.get(f"/runs/{part(run_id)}"))

    def runs(
        self,
        query: str = "",
        *,
        state: Texts = (),
        tag: Texts = (),
        dataset: Texts = (),
        clamp: Texts = (),
        study: str | None = None,
        text: str = "",
        ids: Texts = (),
        view: str | None = None,
        deleted: bool = False,
        sort: str | None = None,
        limit: int | None = None,
    ) -> list[RunHandle]:
        """Runs that match a query, as the search of the list takes it,
        `"state:finished min(loss.new_classes) < .1"`, and besides: any of these states, all of
        these tags, any of these data sets and clamps (`driven`, `silenced`, a kind), the words of
        `text` in name, notes or tags; `sort`ed by anything that they hold, `-` for descending, else
        the newest first. `view`: the runs and the order of a view that was kept, by its name, which
        the query narrows. All of them unless `limit` says how many."""
        said = {"state": _several(state), "tag": _several(tag), "dataset": _several(dataset)}
        said |= {"clamp": _several(clamp), "run": _several(ids)}
        one = {"study": study, "q": _asked(query, text), "deleted": deleted}
        one |= {"sort": sort, "view": view}
        found = pages(self._connection, "/runs", "runs", said | one, limit)
        return [self._run(run) for run in found]

    def groups(
        self, by: str, query: str = "", *, columns: Texts = ("progress", "train_loss", "midpoint")
    ) -> list[RunsTogether]:
        """The runs that match a query in groups: by `"study"`, `"tag"`, `"state"`, `"created"` (a
        day), or an option of configs, `"training.learning_rate"`. Of each how many runs it has, and
        of these columns the mean, the least and the largest of their numbers."""
        said = {"group": by, "q": query, "columns": _several(columns)}
        found = self._connection.get("/runs/groups", said)
        return [RunsTogether.model_validate(one) for one in found["groups"]]

    def measurements(self, runs: Iterable[RunHandle | str], *series: str) -> DataTable:
        """Every measurement of many runs in one table, the run's id in front."""
        ids = [one if isinstance(one, str) else one.id for one in runs]
        return measurements.of_runs(self._connection, ids, series)

    def export(
        self, runs: Sequence[RunHandle | str], *series: str, format: str = "csv"
    ) -> Iterator[bytes]:
        """The same as a file's content, piece by piece: `csv`, `jsonl`, `parquet` or `arrow`."""
        ids = [one if isinstance(one, str) else one.id for one in runs]
        alone = ids[0] if len(ids) == 1 else ""
        path = f"/runs/{part(alone)}/measurements" if alone else "/measurements"
        query = {"runs": [] if alone else ",".join(ids), "series": list(series)}
        with self._connection.stream(f"{path}.{format}", query) as answer:
            yield from answer.iter_bytes()

    def compare(self, runs: Iterable[RunHandle | str]) -> ComparisonHandle:
        """Several runs laid against each other: curves, settings and outcomes, a report."""
        ids = [one if isinstance(one, str) else one.id for one in runs]
        return ComparisonHandle(self._connection, ids)

    def archive(self, runs: Iterable[RunHandle | str], to: str | Path) -> Path:
        """Writes everything of several runs to a file."""
        ids = ",".join(one if isinstance(one, str) else one.id for one in runs)
        return self._connection.save("/archive.zip", Path(to), {"runs": ids})

    def import_archive(self, file: str | Path) -> dict[str, Any]:
        """Takes in the runs of an archive, all or nothing; what is here already stays as it is."""
        return dict(self._connection.send_file("/archives", "archive", Path(file)))

    # Studies

    def study(
        self,
        base: Base = None,
        axes: Axes = (),
        *,
        name: str = "",
        runs: Sequence[Mapping[str, Any]] = (),
        combine: str = "grid",
        tags: Sequence[str] = (),
        notes: str = "",
        priority: int = 0,
        reuse_finished: bool = True,
    ) -> StudyHandle:
        """Launches a run for every combination of what varies.

        `base`: a config, a run, or a preset's id. `axes`: `{"seed": [5, 6, 7], "clamps": [[...],
        {"preset": "match"}]}`; `combine="zip"`: first with first instead. `runs`: further ones,
        each `{"name": ..., "changes": {...}}`. A finished run of equal config joins the study
        instead of a new one, unless `reuse_finished` is False.
        """
        body = {
            "name": name,
            "base": self._base(base),
            "axes": axes_of(axes),
            "runs": [dict(one) for one in runs],
            "combine": combine,
            "tags": list(tags),
            "notes": notes,
            "priority": priority,
            "reuse_finished": reuse_finished,
        }
        return self._study(self._connection.post("/studies", body))

    def plan_study(self, base: Base = None, axes: Axes = (), **said: Any) -> dict[str, Any]:
        """What `study` would launch, with the same arguments: its runs, and their cost."""
        body = {**said, "base": self._base(base), "axes": axes_of(axes)}
        return dict(self._connection.post("/studies", body, {"dry_run": True}))

    def study_by_id(self, study_id: str) -> StudyHandle:
        """A study by its id."""
        return self._study(self._connection.get(f"/studies/{part(study_id)}"))

    def studies(self) -> list[StudyHandle]:
        """All studies, the newest first."""
        return StudyHandle.every(self._connection)

    # Boards

    def make_board(self, title: str, blocks: Blocks = ()) -> BoardHandle:
        """A new board. `blocks`: texts in Markdown, and figures as the API takes them, such as
        `{"kind": "run", "run_id": run.id, "figure": "loss", "query": "x=log"}`."""
        body = {"title": title, "blocks": blocks_of(blocks)}
        return self._board(self._connection.post("/boards", body))

    def board(self, board_id: str) -> BoardHandle:
        """A board by its id."""
        return self._board(self._connection.get(f"/boards/{part(board_id)}"))

    def boards(self) -> list[BoardHandle]:
        """All boards, the last changed first."""
        return BoardHandle.every(self._connection)

    # Analyses and the paper

    def analysis(self, analysis_id: str) -> AnalysisHandle:
        """An analysis by its id."""
        said = self._connection.get(f"/analyses/{part(analysis_id)}")
        return AnalysisHandle(self._connection, AnalysisFacts.model_validate(said))

    def analyses(self) -> list[AnalysisHandle]:
        """All analyses, the newest first."""
        return AnalysisHandle.every(self._connection)

    def analysis_kinds(self) -> list[dict[str, Any]]:
        """Every kind of analysis, with the JSON Schema of its settings."""
        return list(self._connection.get("/analyses/kinds"))

    def paper(self) -> list[PaperHandle]:
        """The figures and tables of the paper, in its order, and how far each is here."""
        said = self._connection.get("/figures/paper")["figures"]
        return [PaperHandle(self._connection, PaperFacts.model_validate(one)) for one in said]

    def paper_figure(self, figure_id: str) -> PaperHandle:
        """A figure or table of the paper: `paper_figure("fig-4b").make().wait()`."""
        said = self._connection.get(f"/figures/paper/{part(figure_id)}")
        return PaperHandle(self._connection, PaperFacts.model_validate(said))

    def figure(self, figure_id: str, part: str = "training") -> "Figure":
        """A figure of the paper as Plotly's, our curves with the published points: `fig-4b`."""
        return self.paper_figure(figure_id).figure(part)

    def toy_figure(self, **settings: Any) -> "Figure":
        """The paper's model of three vectors, trained while one waits (Figs. 5a and 9).

        `settings`: as the API takes them, `clamp=["none", "b,c"]`, `seed=2`, `updates=500`.
        """
        return plotly_figure(self._connection.get("/toy/figure", settings))

    # What there is to choose from

    def presets(self) -> list[dict[str, Any]]:
        """Named experiments: `id`, `name`, `figure`, `summary`, `config`."""
        return list(self._connection.get("/presets"))

    def clamps(self) -> list[dict[str, Any]]:
        """Every kind of clamp: what it does, where it can be, the JSON Schema of its settings."""
        return list(self._connection.get("/clamps"))

    def datasets(self) -> list[dict[str, Any]]:
        """Where exemplars can come from."""
        return list(self._connection.get("/datasets"))

    def workers(self) -> dict[str, Any]:
        """Workers, what each trains at present, and the queue."""
        return dict(self._connection.get("/workers"))

    def close(self) -> None:
        """Ends the connections that are kept open."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self.url!r})"

    def _run(self, said: Json) -> RunHandle:
        return RunHandle(self._connection, RunFacts.model_validate(said))

    def _board(self, said: Json) -> BoardHandle:
        return BoardHandle(self._connection, BoardFacts.model_validate(said))

    def _study(self, said: Json) -> StudyHandle:
        return StudyHandle(self._connection, StudyFacts.model_validate(said))

    def _launch_body(
        self,
        preset: str | None,
        config: Config | None,
        clamps: Sequence[Clamp] | None,
        options: RunOptions,
    ) -> dict[str, Any]:
        base = laid_over(self._preset(preset) if preset else {}, config or {})
        program = {} if clamps is None else {"clamps": [dict(one) for one in clamps]}
        return {"config": merged(base, {**program, **options})}

    def _base(self, base: Base) -> dict[str, Any]:
        if isinstance(base, RunHandle):
            return base.config()
        return self._preset(base) if isinstance(base, str) else dict(base or {})

    def _preset(self, preset_id: str) -> dict[str, Any]:
        configs = {one["id"]: one["config"] for one in self.presets()}
        if preset_id not in configs:
            raise ValueError(f"There is no preset {preset_id!r}; there are {', '.join(configs)}.")
        return dict(configs[preset_id])


def _several(texts: Texts) -> list[str]:
    return [texts] if isinstance(texts, str) else list(texts)


def _asked(query: str, text: str) -> str:
    """The query, and words that are no more than words, whatever signs they have."""
    words = " ".join(map(_quoted, text.split()))
    return f"({query}) {words}" if query.strip() and words else query or words


def _quoted(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
