"""The client's words are those of the API's document: paths, queries, bodies, fields, states."""

import json
import re
from collections.abc import Callable
from typing import Any, get_args

import httpx
import jsonschema_rs
import pytest
from pydantic import BaseModel

from app.schemas.measure import EVALUATORS
from optoscope.analyses import AnalysisHandle
from optoscope.boards import BoardHandle
from optoscope.client import Client
from optoscope.comparisons import ComparisonHandle
from optoscope.options import PLACES, SECTIONS, RunOptions
from optoscope.paper import PaperHandle
from optoscope.reading import answers
from optoscope.runs import RunHandle
from optoscope.studies import StudyHandle
from optoscope.wire.connection import API, Connection
from optoscope.wire.errors import OptoscopeError
from tests.unit.client.document import document, schema

ABLATE = {"kind": "ablate", "site": "L1H3.v"}
ANSWERS = {
    answers.RunFacts: "RunRead",
    answers.PhasePlaces: "PhaseChange",
    answers.RunsTogether: "RunGroupRead",
    answers.NumbersTogether: "GroupNumbers",
    answers.StudyFacts: "WholeStudyRead",
    answers.StudyCourse: "StudyProgress",
    answers.StudyMember: "StudyRunRead",
    answers.BoardFacts: "BoardRead",
    answers.AnalysisFacts: "AnalysisRead",
    answers.SavedWeights: "CheckpointRead",
    answers.TimelineEntry: "EventRead",
    answers.PaperFacts: "PaperSummary",
}
TEAPOT = {"title": "A teapot", "detail": "It only listens."}


@pytest.mark.parametrize("model", ANSWERS, ids=lambda model: model.__name__)
def test_every_field_that_the_client_reads_is_one_of_the_api(model: type[BaseModel]) -> None:
    said = schema(ANSWERS[model])
    for name, field in model.model_fields.items():
        assert name in said["properties"], name
        has_default = "anyOf" in said["properties"][name]  # null: always said in answers
        assert name in said.get("required", ()) or has_default, f"{name} may be missing"
        nullable = any(
            one.get("type") == "null" for one in said["properties"][name].get("anyOf", ())
        )
        assert (type(None) in get_args(field.annotation)) == nullable, name


def test_states_evaluators_and_options_are_those_of_the_api() -> None:
    assert [*get_args(answers.RunStateName)] == schema("RunState")["enum"]
    assert answers.EVALUATORS == EVALUATORS
    for section, names in SECTIONS.items():
        part = schema("RunConfig-Input")["properties"][section]["$ref"].rpartition("/")[2]
        assert [*names] == [*schema(part)["properties"]], section
    assert {*RunOptions.__annotations__} == {*PLACES} - {"clamps"}


class Listener(httpx.BaseTransport):
    """Refuses everything, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[httpx.Request] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        return httpx.Response(418, json=TEAPOT)


@pytest.fixture
def listener(monkeypatch) -> Listener:
    made = Listener()
    inside = httpx.Client.__init__

    def listening(self: httpx.Client, **said: Any) -> None:
        inside(self, **said, transport=made)

    monkeypatch.setattr(httpx.Client, "__init__", listening)
    return made


def run() -> RunHandle:
    facts = answers.RunFacts.model_construct(id="8kq2m4x7vd", is_terminal=False)
    return RunHandle(Connection("http://lab"), facts)


def study() -> StudyHandle:
    return StudyHandle(Connection("http://lab"), answers.StudyFacts.model_construct(id="a"))


def board() -> BoardHandle:
    facts = answers.BoardFacts.model_construct(id="a", version=1)
    return BoardHandle(Connection("http://lab"), facts)


def analysis() -> AnalysisHandle:
    facts = answers.AnalysisFacts.model_construct(id="a", is_terminal=False)
    return AnalysisHandle(Connection("http://lab"), facts)


def paper() -> PaperHandle:
    facts = answers.PaperFacts.model_construct(id="fig-4b", name="Fig. 4b")
    return PaperHandle(Connection("http://lab"), facts)


def lab() -> Client:
    return Client("http://lab", token="")


ASKS: dict[str, Callable[[], Any]] = {
    "launch": lambda: lab().launch(
        name="a", clamps=[ABLATE], tags=["t"], notes="n", priority=1, sequences=9, seed=3
    ),
    "preset": lambda: lab().launch(preset="match"),
    "plan": lambda: lab().plan(config={"seeds": {"data": 4}}, dataset="gaussian"),
    "run": lambda: lab().run("8kq2m4x7vd"),
    "runs": lambda: lab().runs(
        "tag:a or tag:b",
        state="running",
        tag=["a", "b"],
        dataset="glyphs",
        clamp="driven",
        study="s",
        text="q",
        ids=["a"],
        deleted=True,
        sort="name",
        limit=3,
    ),
    "groups": lambda: lab().groups("state", "tag:a", columns=["train_loss"]),
    "measurements of runs": lambda: lab().measurements(["a", "b"], "loss.*"),
    "export of one": lambda: [*lab().export(["a"], "loss.*")],
    "export of several": lambda: [*lab().export(["a", "b"], format="jsonl")],
    "study": lambda: lab().study(
        {"task": {"labels": 10}},
        {"seed": [5, 6], "clamps": [[ABLATE], {"preset": "match"}]},
        name="s",
        runs=[{"name": "r", "changes": {}}],
        combine="zip",
        tags=["t"],
        notes="n",
    ),
    "figure of a comparison": lambda: lab().compare(["a", "b"]).figure(group="all"),
    "outcomes": lambda: lab().compare(["a", "b"]).outcomes(),
    "correlations": lambda: lab().compare(["a", "b"]).correlations(),
    "outcomes_figure": lambda: lab().compare(["a", "b"]).outcomes_figure("heads", moment="last"),
    "report of a comparison": lambda: lab().compare(["a", "b"]).report("report.html"),
    "make_board": lambda: lab().make_board(
        "b", ["Text.", {"kind": "run", "run_id": "8kq2m4x7vd", "query": "x=log"}]
    ),
    "table of a study": lambda: study().table(),
    "report of a study": lambda: study().report("report.html", metric="loss.train"),
    "board": lambda: lab().board("a"),
    "boards": lambda: lab().boards(),
    "blocks": lambda: board().blocks(),
    "change of a board": lambda: board().change(title="c", blocks=["Text."]),
    "deletion of a board": lambda: board().delete(),
    "report of a board": lambda: board().report("report.html"),
    "plan_study": lambda: lab().plan_study(
        axes=[{"field": "seed", "values": [1], "labels": ["x"]}]
    ),
    "study_by_id": lambda: lab().study_by_id("a"),
    "studies": lambda: lab().studies(),
    "analysis": lambda: lab().analysis("a"),
    "analyses": lambda: lab().analyses(),
    "analysis_kinds": lambda: lab().analysis_kinds(),
    "paper": lambda: lab().paper(),
    "paper_figure": lambda: lab().figure("fig-4b"),
    "presets": lambda: lab().presets(),
    "clamps": lambda: lab().clamps(),
    "datasets": lambda: lab().datasets(),
    "workers": lambda: lab().workers(),
    "state": lambda: run().state,
    "follow": lambda: [*run().follow(after=5)],
    "wait": lambda: run().wait(),
    "measurements": lambda: run().measurements("loss.*", after=5, until=9),
    "frame_places": lambda: run().frame_places(),
    "frames": lambda: run().frames(at=9),
    "probe": lambda: run().probe(),
    "config": lambda: run().config(),
    "timeline": lambda: run().timeline(),
    "log": lambda: run().log(9),
    "figure": lambda: run().figure("induction", x="updates", y="log", drawing="heatmap"),
    "checkpoints": lambda: run().checkpoints(),
    "weights": lambda: run().weights(9),
    "fork": lambda: run().fork(
        9,
        clamps=[ABLATE],
        optimiser="reset",
        learning_rate=1e-4,
        data_seed=2,
        until=99,
        name="f",
        tags=["t"],
        notes="n",
    ),
    "analyse": lambda: run().analyse("ablation_grid", acts=["none", "remove"]),
    "analyses of a run": lambda: run().analyses(),
    "report": lambda: run().report("/tmp/none.html"),
    "report of the paper": lambda: paper().report("/tmp/none.html"),
    "moving_picture": lambda: run().moving_picture("/tmp/none.svg"),
    "save_frames": lambda: run().save_frames("/tmp/none.npz"),
    "archive": lambda: run().archive("/tmp/none.zip"),
    "archive of a study": lambda: study().archive("/tmp/none.zip"),
    "archive of several": lambda: lab().archive(["a", run()], "/tmp/none.zip"),
    "import_archive": lambda: lab().import_archive(__file__),
    "cancel": lambda: run().cancel(),
    "pause": lambda: run().pause(),
    "resume": lambda: run().resume(),
    "change": lambda: run().change(name="b", tags=["t"], colour="#4477AA", priority=2),
    "delete": lambda: run().delete(now=True),
    "restore": lambda: run().restore(),
    "refresh a study": lambda: study().refresh(),
    "figure of a study": lambda: study().figure("loss.train", group="each", view="panels"),
    "request of a study": lambda: study().request(),
    "cancel a study": lambda: study().cancel(),
    "pause a study": lambda: study().pause(),
    "resume a study": lambda: study().resume(),
    "change a study": lambda: study().change(name="b"),
    "delete a study": lambda: study().delete(runs=True),
    "runs of a study": lambda: study().runs,
    "state of an analysis": lambda: analysis().state,
    "result": lambda: analysis().result(),
    "table": lambda: analysis().table(),
    "figure of an analysis": lambda: analysis().figure(),
    "cancel an analysis": lambda: analysis().cancel(),
    "delete an analysis": lambda: analysis().delete(),
    "make": lambda: paper().make(),
    "plan a figure": lambda: paper().plan(),
    "toy figure": lambda: lab().toy_figure(clamp=["none", "b,c"], seed=2, updates=500),
    "figure of the paper": lambda: paper().figure(part="analysis"),
    "table of the paper": lambda: paper().table(),
}


@pytest.mark.parametrize("ask", ASKS.values(), ids=ASKS)
def test_what_is_sent_is_what_the_api_takes(listener: Listener, ask: Callable[[], Any]) -> None:
    """The server passes over what it does not know of a query; this does not."""
    with pytest.raises(OptoscopeError) as caught:
        ask()

    assert (caught.value.status, str(caught.value)) == (418, TEAPOT["detail"])
    [request] = listener.asked
    operation = operation_of(request)
    known = {one["name"] for one in operation.get("parameters", ())}
    assert {*request.url.params} <= known
    if request.headers.get("Content-Type") == "application/json":
        body_schema = operation["requestBody"]["content"]["application/json"]["schema"]
        # The references within are to the document's own places.
        whole = {**body_schema, "components": document()["components"]}
        jsonschema_rs.validator_for(whole).validate(json.loads(request.content))


def operation_of(request: httpx.Request) -> dict[str, Any]:
    """What the document says of it; a path of its own before one with a name in it."""
    path, described = request.url.path, document()["paths"]
    assert path.startswith(API)
    fitting = [path] if path in described else [one for one in described if fits(one, path)]
    assert fitting, f"there is no {path}"
    return described[fitting[0]][request.method.lower()]


def fits(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path) is not None


def test_every_public_method_is_asked_here() -> None:
    """Whoever adds one adds its request to the list above."""
    code = " ".join(name for ask in ASKS.values() for name in ask.__code__.co_names)
    without_request = {
        "close",
        "url",
        "id",
        "name",
        "every",
        "ask",
        "download",
        "read",
        "refresh",
        "paper_figure",
    }
    for kind in (Client, RunHandle, StudyHandle, AnalysisHandle, PaperHandle, ComparisonHandle):
        for name in vars(kind):
            if not name.startswith("_") and name not in without_request:
                assert name in code.split(), f"{kind.__name__}.{name}"
