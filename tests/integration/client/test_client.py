"""The client and its commands against one real server, with runs that a real worker trains."""

import io
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import nbformat
import numpy as np
import pandas as pd
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode
from safetensors.numpy import load_file

from app.main import create_app
from optoscope import Client, OptoscopeError, RunHandle, StudyHandle, clamp
from optoscope.commands import main
from optoscope.wire import settings
from tests.integration.support.web_server import WebServer, serving
from tests.integration.support.worker_process import WorkerProcess

TUTORIAL = Path(__file__).parents[3] / "docs" / "tutorial.ipynb"
SILENCED = clamp("ablate", "L1H1.v")
END, EVERY = 6_400, 320
pytestmark = pytest.mark.slow  # a worker, a trainer and a kernel start for the first of them


@pytest.fixture(autouse=True)
def _empty() -> None:
    """Not between the tests of this file: they share trained runs."""


@pytest.fixture(autouse=True, scope="module")
def _no_settings() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as environment:
        for name in (settings.URL, settings.TOKEN, settings.TOKEN_FILE):
            environment.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module")
def notebook(session_settings) -> Iterator[tuple[WebServer, NotebookNode]]:
    """The tutorial, executed; and the server that it was executed against, now without a worker,
    so that what is launched waits for ever. Everything else is about what the tutorial trained."""
    worker = WorkerProcess(session_settings)
    made = nbformat.read(TUTORIAL, as_version=4)

    def start_worker(*, cell: NotebookNode, **_: object) -> None:
        if "lab.study" in cell.source:  # what it queues is then trained with what waits: one start
            worker.start()

    try:
        with serving(create_app(session_settings)) as server:
            kernel = NotebookClient(made, timeout=120, on_cell_executed=start_worker)
            kernel.execute(env={**os.environ, settings.URL: server.url})
            worker.stop()
            yield server, made
    finally:
        worker.kill()


@pytest.fixture(scope="module")
def served(notebook) -> WebServer:
    return notebook[0]


@pytest.fixture(scope="module")
def lab(served) -> Iterator[Client]:
    with Client(served.url) as lab:
        yield lab


@pytest.fixture(scope="module")
def run(lab) -> RunHandle:
    """The run of the tutorial."""
    return next(one for one in lab.runs(tag="tutorial") if one.name == "Match fixed")


@pytest.fixture(scope="module")
def study(lab) -> StudyHandle:
    return lab.studies()[0]


def text(served: WebServer, path: str, **query: str) -> str:
    """What the API answers, asked without the client."""
    return httpx.get(f"{served.url}/api/v1{path}", params=query).raise_for_status().text


def test_the_tutorial_shows_what_it_promises(notebook):
    outputs = [cell.outputs for cell in notebook[1].cells if cell.cell_type == "code"]
    printed = "".join(one.text for output in outputs for one in output if "text" in one)
    kinds = [{*one.data} for output in outputs for one in output if "data" in one]

    assert [line.split()[0] for line in printed.splitlines()[:4]] == [
        "0",
        "1,600",
        "3,200",
        "4,800",
    ]
    assert "(8, 2, 2, 5, 5)" in printed
    assert "paper.make().wait()" in printed
    assert sum("application/vnd.plotly.v1+json" in kind for kind in kinds) == 5
    assert sum("text/html" in kind for kind in kinds) >= 6  # cards and tables
    assert nbformat.validate(nbformat.read(TUTORIAL, as_version=4)) is None


def test_the_tutorial_is_kept_without_what_it_once_showed():
    kept = nbformat.read(TUTORIAL, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in kept.cells)


def test_a_run_is_launched_as_it_was_asked_for(lab, run, study):
    assert (run.state, run.name, run.facts.tags) == ("finished", "Match fixed", ["tutorial"])
    config = run.config()
    assert config["model"]["width"] == 16
    assert config["training"]["sequences"] == END
    assert [one["site"] for one in config["program"]] == ["L1H0.pattern[query]"]
    assert [one.id for one in lab.runs(text="Match", ids=[run.id])] == [run.id]
    asked = "state:finished (clamp:driven or tag:none) seed:5"
    assert [one.id for one in lab.runs(asked, text="Match", ids=[run.id])] == [run.id]
    assert lab.runs(text="state:finished") == []  # words are words
    with pytest.raises(OptoscopeError, match=r"Did you mean state\?\n +stat:x\n +\^{4}$") as caught:
        lab.runs("stat:x")
    assert caught.value.faults[0].suggestion == "state"
    assert next(one.id for one in lab.runs(limit=2, sort="created")) == run.id
    assert lab.runs(tag="none") == []
    assert run.timeline()[-1].kind == "finished"
    assert "finished" in run.log(5)[-1]
    assert study.facts.progress.by_state == {"finished": 2}
    assert [one.config()["seeds"]["initial"] for one in study.runs] == [6, 7]
    assert study.request()["name"] == "Two more seeds"
    assert f"/studies/{study.id}" in study._repr_html_()


def test_tables_equal_the_csv_of_the_api_value_for_value(served, run):
    names = ("loss.*", "induction_strength.L1*")
    raw = text(served, f"/runs/{run.id}/measurements.csv", series=",".join(names))
    expected = pd.read_csv(io.StringIO(raw), parse_dates=["computed_at_utc"])

    table = run.measurements(*names)

    frame = table.to_pandas()
    assert list(frame) == [one.removesuffix("_nats").removesuffix("_utc") for one in expected]
    assert len(frame) == END / EVERY + 1
    for ours, theirs in zip(frame, expected, strict=True):
        assert frame[ours].to_list() == expected[theirs].to_list(), ours
    lines = list(zip(*table.columns.values(), strict=True))
    assert table.to_polars().rows() == lines
    assert [tuple(line.values()) for line in table.to_arrow().to_pylist()] == lines


def test_many_runs_are_one_table(lab, run, study):
    table = study.measurements("loss.train").to_pandas()

    axes = ["run_id", "seeds.initial", "sequences", "computed_at", "elapsed_seconds"]
    assert list(table) == [*axes, "loss.train"]
    assert table.groupby("seeds.initial").size().to_dict() == {"6": 21, "7": 21}
    whole = lab.measurements([run, *study.runs], "loss.train").to_pandas()
    assert len(whole) == 3 * 21
    own = whole[whole.run_id == run.id]["loss.train"]
    assert own.to_list() == run.measurements("loss.train")["loss.train"]


def test_points_that_are_followed_are_those_of_the_table(run):
    table = run.measurements()
    points = list(run.follow())

    assert [point.sequences for point in points] == table["sequences"]
    besides = {"sequences", "computed_at", "elapsed_seconds"}
    assert {*points[0].numbers} == {*table.columns} - besides
    for point, *line in zip(points, *table.columns.values(), strict=True):
        said = dict(zip(table.columns, line, strict=True))
        assert all(said[name] == number for name, number in point.numbers.items())
        assert said["computed_at"] == point.computed_at
    later = run.measurements("loss.train", after=320, until=960)
    assert later["sequences"] == [640, 960]


def test_a_run_that_has_measured_nothing_yet_has_the_columns_of_its_table(lab, run):
    waiting = lab.launch(config=run.config(), name="Queued")
    first = ["sequences", "computed_at", "elapsed_seconds"]

    assert list(waiting.measurements("loss.train").to_pandas()) == [*first, "loss.train"]
    assert {*waiting.measurements().columns} == {*run.measurements().columns}
    several = lab.measurements([waiting, waiting.id], "loss.train")
    assert (list(several.columns), len(several)) == (["run_id", *first, "loss.train"], 0)
    waiting.cancel().wait(timeout=20).delete(now=True)


def test_frames_are_arrays_of_the_attention_that_the_api_says(served, run):
    frame = run.frames(at=4500)

    said = json.loads(text(served, f"/runs/{run.id}/frames", sequences="4500"))
    assert frame.sequences == said["sequences"] == 3200
    assert frame.sequences in run.frame_places()
    assert frame.pattern.shape == (len(run.probe()), 2, 2, 5, 5)
    assert frame.pattern[3, 1, 0, 4].tolist() == said["patterns"][1][0][3][4]
    assert np.allclose(frame.pattern.sum(-1), 1, atol=1e-4)
    assert frame.strengths["induction_strength"].tolist() == said["induction_strength"]
    assert run.frames().sequences == END


def test_weights_come_whole_or_not_at_all(run, tmp_path):
    last = run.checkpoints()[-1]

    file = run.download(last.sequences, tmp_path / "w.safetensors")

    assert file.stat().st_size == last.size
    arrays = run.weights(last.sequences)
    assert {name: array.tobytes() for name, array in load_file(file).items()} == {
        name: array.tobytes() for name, array in arrays.items()
    }
    with pytest.raises(OptoscopeError, match="no checkpoint") as caught:
        run.download(7, tmp_path / "none")
    assert caught.value.status == 404
    assert [one.name for one in tmp_path.iterdir()] == ["w.safetensors"]


def test_figures_are_plotlys_own(lab, run):
    assert run.figure("loss").layout.xaxis.title.text
    assert run.figure("induction", drawing="heatmap").data[0].type == "heatmap"
    figure = lab.paper_figure("fig-4b")
    assert figure.id in [one.id for one in lab.paper()]
    assert figure.facts.state == "not made"
    assert len(lab.figure("fig-4b").data) > len(figure.table()["value"])


def test_an_analysis_that_was_asked_is_not_asked_again(run):
    [asked] = run.analyses()

    analysis = run.analyse("ablation_grid")

    assert (analysis.id, analysis.state) == (asked.id, "finished")
    table, cells = analysis.table(), analysis.result()["cells"]
    assert table["name"] == [cell["name"] for cell in cells]
    assert table["loss"] == [cell["loss"] for cell in cells]
    assert analysis.figure().data


def test_what_is_wrong_is_said_with_its_place_and_what_would_be_right(lab, run):
    with pytest.raises(OptoscopeError) as caught:
        lab.launch(clamps=[SILENCED], learning_rate=-1)
    error = caught.value
    assert (error.status, error.title) == (422, "Invalid request")
    [fault] = error.faults
    assert fault.place == "/config/training/learning_rate"
    assert (fault.message, fault.input) == ("Input should be greater than 0", -1)
    with pytest.raises(OptoscopeError, match="the model has layers 0 to 1") as caught:
        lab.launch(clamps=[clamp("ablate", "L7H0.v")])
    assert caught.value.faults[0].place == "/config/program/0"
    with pytest.raises(OptoscopeError, match="There is no series 'los'"):
        run.measurements("los")
    with pytest.raises(OptoscopeError) as caught:
        lab.run("nowhere")
    assert caught.value.status == 404
    with pytest.raises(ValueError, match="there are unclamped, one-head"):
        lab.launch(preset="none")


def test_a_plan_launches_nothing(lab):
    before = len(lab.runs())
    plan = lab.plan(preset="match", sequences=9000)
    assert plan["config"]["training"]["sequences"] == 9000
    assert "correct label" in plan["description"][0]
    planned = lab.plan_study("match", {"seed": [5, 6]}, name="Two")
    assert [run["values"] for run in planned["runs"]] == [
        {"seeds.initial": "5"},
        {"seeds.initial": "6"},
    ]
    assert len(lab.runs()) == before


def test_runs_are_forked_changed_ended_deleted_and_restored(run):
    fork = run.fork(run.checkpoints()[0].sequences, clamps=[], until=64, name="Fork")
    assert (fork.state, fork.config()["program"]) == ("queued", [])
    assert fork.pause().state == "paused"
    assert fork.resume().state == "queued"
    assert fork.change(name="Spoon", tags=["a"]).facts.name == "Spoon"
    assert fork.cancel().wait(timeout=20).state == "cancelled"
    fork.delete()
    with pytest.raises(OptoscopeError) as caught:
        fork.refresh()
    assert caught.value.status == 410
    assert fork.restore().state == "cancelled"
    fork.delete(now=True)


def test_a_study_of_a_run_takes_the_run_in_and_is_ended_as_a_whole(lab, run):
    study = lab.study(run, {"seed": [5, 8], "clamps": [[SILENCED], run.config()["program"]]})

    assert study.runs[1].id == run.id  # it had finished, with the same config
    assert study.pause().facts.progress.by_state == {"finished": 1, "paused": 3}
    study.resume()
    assert study.cancel().wait(timeout=20).facts.progress.is_over
    study.delete(runs=True)
    assert study.id not in [one.id for one in lab.studies()]


def test_a_board_is_made_changed_written_to_a_file_and_deleted(lab, run, tmp_path):
    board = lab.make_board("Notes", ["It **falls**.", {"kind": "run", "run_id": run.id}])

    text, figure = board.blocks()
    assert (text["markdown"], figure["figure"]) == ("It **falls**.", "loss")
    earlier = lab.board(board.id)
    assert board.change(title="Of May", blocks=[figure, "Why?"]).title == "Of May"
    with pytest.raises(OptoscopeError, match="was changed since"):
        earlier.change(title="Of June")
    assert "Why?" in board.report(tmp_path / "board.html").read_text()
    assert [repr(one) for one in lab.boards()] == [repr(board)]
    board.delete()
    assert lab.boards() == []


def test_a_comparison_has_figures_outcomes_and_a_report(lab, study, tmp_path):
    both = lab.compare(study.runs)

    assert both.outcomes().columns["run_id"] == [one.id for one in study.runs]
    assert len(both.outcomes().columns["final_loss.train"]) == 2
    assert "final_loss.train" in both.correlations().columns["y"]
    assert len(both.figure(group="all").data) > 1
    assert both.outcomes_figure("scatter", x="all", y="final_loss.train").data[0].name == "runs"
    with pytest.raises(OptoscopeError, match="no setting or outcome 'colour'"):
        both.outcomes_figure(x="colour")
    assert "Rank correlations" in both.report(tmp_path / "both.html").read_text()
    assert httpx.get(both.url).status_code == 200


def test_a_study_is_a_table_and_a_report(lab, study, tmp_path):
    table = study.table()

    assert table.columns["run_id"] == [one.id for one in study.runs]
    assert table.columns["seeds.initial"] == ["6", "7"]
    assert table.columns["state"] == ["finished"] * 2
    report = study.report(tmp_path / "study.html", metric="loss.new_classes").read_text()
    assert "Loss, new classes" in report
    with pytest.raises(OptoscopeError, match="metric"):
        study.report(tmp_path / "no.html", metric="los")


def test_a_card_shows_a_run_as_text_and_links_to_its_page(run):
    run.change(name="<script>")

    card = run._repr_html_()

    assert f'href="{run.url}"' in card
    assert "&lt;script&gt;" in card
    assert "<script>" not in card
    assert "correct label" in card
    assert repr(run) == f"<Run {run.id} '<script>': finished, 6,400 of 6,400 sequences>"
    run.change(name="Match fixed")


class Shell:
    """The commands, as a shell without a terminal calls them."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *words: str) -> str:
        status = main([*words])
        said = self._capsys.readouterr()
        assert (status, said.err) == (0, ""), said
        return said.out

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture
def shell(served, capsys, monkeypatch) -> Shell:
    monkeypatch.setenv(settings.URL, served.url)
    return Shell(capsys)


def test_a_view_that_was_kept_is_listed_by_its_name(shell, lab, run):
    view = {"name": "Oldest", "address": "sort=created&tag=tutorial"}
    httpx.post(f"{lab.url}/api/v1/views", json=view).raise_for_status()

    ids = [one.id for one in lab.runs(tag="tutorial", sort="created")]
    assert len(ids) > 1
    assert [one.id for one in lab.runs(view="Oldest")] == ids
    assert [one.id for one in lab.runs('name:"Match fixed"', view="oldest")] == [run.id]
    assert [one["id"] for one in shell.json("runs", "--view", "Oldest")] == ids
    with pytest.raises(OptoscopeError, match="did you mean 'oldest'"):
        lab.runs(view="oldst")


def test_commands_list_and_show_what_is_there(shell, run, study, capsys):
    listed = shell("runs", "Match").splitlines()
    assert listed[0].split() == ["ID", "STATE", "DONE", "SEQUENCES", "LOSS", "MIDPOINT", "NAME"]
    assert [line.split()[:4] for line in listed[1:]] == [[run.id, "finished", "100%", "6,400"]]
    [said] = shell.json("runs", "Match")
    assert said["sequences"] == END
    assert main(["runs", "--limit", "1"]) == 0
    assert "--limit 0 lists all" in capsys.readouterr().err
    assert run.url in shell("show", run.id)
    assert "finished" in shell("logs", run.id, "--tail", "1")
    assert len(shell("follow", run.id).splitlines()) == 21 + 1
    points = [json.loads(line) for line in shell("follow", run.id, "--json").splitlines()]
    assert points[-1]["sequences"] == END
    assert len(shell("study", "show", study.id).splitlines()) == 2 + 2
    assert shell.json("study", "list")[-1]["id"] == study.id
    [analysis] = shell.json("analyses", "list", "--run", run.id)
    assert "without L1H0" in shell("analyses", "result", analysis["id"])
    assert "ablation_grid: Heads" in shell("analyses", "kinds")


def test_the_command_exports_what_the_api_writes(served, shell, run, study, tmp_path):
    whole = text(served, f"/runs/{run.id}/measurements.csv")
    shell("export", run.id, "--out", str(tmp_path / "all.csv"))
    assert (tmp_path / "all.csv").read_text() == whole
    ids = [one.id for one in study.runs]
    shell("export", *ids, "--out", str(tmp_path / "some.jsonl"), "--series", "loss.train")
    lines = [json.loads(line) for line in (tmp_path / "some.jsonl").read_text().splitlines()]
    assert [line["run_id"] for line in lines] == [one for one in ids for _ in range(21)]
    first = run.checkpoints()[0]
    at, to = str(first.sequences), str(tmp_path / "weights")
    assert shell("export", run.id, "--weights", at, "--out", to) == f"{to}\n"
    assert Path(to).stat().st_size == first.size

    assert shell("export", run.id, "--frames", "--out", to) == f"{to}\n"
    with np.load(to) as frames:
        assert frames["sequences"].tolist() == run.frame_places()
    shell("report", run.id, "--out", to)
    assert "<!doctype html>" in Path(to).read_text()[:200].lower()
    shell("report", "--paper", "fig-5b", "--out", to)
    assert "Fig. 5b" in Path(to).read_text()

    to = str(tmp_path / "study.zip")
    shell("archive", "--study", study.id, "--out", to)
    imported = shell.json("import-archive", to)  # everything is here already
    assert [one["is_new"] for one in (*imported["studies"], *imported["runs"])] == [False] * 3
    assert [one["id"] for one in imported["runs"]] == ids
    shell("archive", run.id, "--out", to)
    assert zipfile.is_zipfile(to)
    assert main(["archive", "--out", to]) == 1


def test_commands_launch_fork_and_end(shell, run, tmp_path, capsys):
    (tmp_path / "small.json").write_text(json.dumps(run.config()))
    config = ("--config", str(tmp_path / "small.json"), "--set", "sequences=64")
    silenced = ("--clamp", "ablate L1H1.v")
    assert "silenced" in shell("launch", *config, *silenced, "--dry-run")
    made = shell("launch", *config, *silenced, "--name", "Short").split()[0]
    assert shell.json("show", made)["total_sequences"] == 64
    fork = shell.json("fork", run.id, "--at", "0", "--no-clamps", "--until", "64")["id"]
    assert "paused" in shell("pause", made, fork)
    assert "queued" in shell("resume", made)
    planned = shell("study", "launch", "--of", run.id, "--axis", "seed=5,6,9", "--dry-run")
    assert [line.split()[-1] for line in planned.splitlines()] == [
        "already",
        "already",
        "new",
        "s.",
    ]
    assert "cancelled" in shell("cancel", made, fork)
    assert main(["follow", made]) == 1  # it has not finished
    capsys.readouterr()
    assert "undelete" in shell("delete", made, fork)
    assert "cancelled" in shell("undelete", made)
    assert main(["undelete", made]) == 1
    assert "Not among the deleted runs" in capsys.readouterr().err
