"""What the client makes of bytes, lines, problems and words of its settings."""

import json
import math
import pickle
from collections.abc import Iterator

import httpx
import pytest

from optoscope.client import Client
from optoscope.options import laid_over, merged, place_of
from optoscope.reading.libraries import library
from optoscope.reading.points import point_from
from optoscope.reading.tables import of_csv, of_lines
from optoscope.studies import axes_of
from optoscope.wire import connection, settings
from optoscope.wire.connection import Connection, part
from optoscope.wire.errors import OptoscopeError, RequestFault, refusal
from optoscope.wire.event_stream import ServerEvent, read_events

# A line's end to Python's text, and none to a stream of events.
NOTES = {"notes": "one\u2028two\x85three"}
WRITTEN = json.dumps(NOTES, ensure_ascii=False)
STREAM = (
    f": optoscope\nretry: 1000\n\nevent: run\ndata: {WRITTEN}\n\n"
    'event: measurement\nid: 5024\ndata: {"sequences":5024}\r\n\r\n: ping\n\n'
).encode()
EVENTS = [ServerEvent("run", NOTES), ServerEvent("measurement", {"sequences": 5024}, 5024)]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_events_are_read_however_their_bytes_are_cut(size):
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]

    assert list(read_events(pieces)) == EVENTS


def test_half_an_event_at_the_end_is_none():
    whole = b'event: measurement\nid: 5024\ndata: {"sequences":5024}\n'

    assert list(read_events([STREAM, whole])) == EVENTS


def test_a_point_has_its_numbers_by_the_names_of_series():
    said = {
        "sequences": 32,
        "elapsed_seconds": 0.5,
        "computed_at": "2026-01-02T12:00:00+00:00",
        "sent_at": "2026-01-02T12:00:01+00:00",
        "loss": [0.5, None, 0.7, None],
        "induction_strength": [[0.1, 0.2], [0.3, None]],
        "nonfinite": [
            {"series": "loss.new_label_pairs", "value": "inf"},
            {"series": "loss.new_classes", "value": "-inf"},
            {"series": "induction_strength.L1H1", "value": "nan"},
        ],
    }

    point = point_from("a", said)

    assert (point.sequences, point.loss, point["loss.new_exemplars"]) == (32, 0.5, 0.7)
    assert (point["loss.new_label_pairs"], point["loss.new_classes"]) == (math.inf, -math.inf)
    assert math.isnan(point["induction_strength.L1H1"])
    assert point["induction_strength.L1H0"] == 0.3
    assert len(point.numbers) == 8


def test_lines_of_different_columns_make_one_table():
    table = of_lines([{"a": 1}, {"a": 2, "b": 0.5}, {"b": 0.25}])

    assert table.columns == {"a": [1, 2, None], "b": [None, 0.5, 0.25]}
    assert len(table) == 3


def test_columns_of_a_table_have_the_types_of_what_they_hold():
    table = of_csv("name,head,loss,empty\nwithout 1,,0.5,\n2,3,nan,\n")

    assert table["name"] == ["without 1", "2"]
    assert table["head"] == [None, 3]
    assert table["loss"][0] == 0.5
    assert math.isnan(table["loss"][1])
    assert table["empty"] == [None, None]
    assert of_csv("a,b\n").columns == {"a": [], "b": []}


def answer(status: int, **said) -> httpx.Response:
    return httpx.Response(status, request=httpx.Request("GET", "http://lab/api/v1/runs"), **said)


def test_a_problem_document_is_one_exception_that_says_what_and_where():
    fault = {"loc": "/config/program/0", "message": "no layer 5", "input": {"kind": "ablate"}}
    document = {"title": "Invalid request", "detail": "all at once", "errors": [fault]}

    error = refusal(answer(422, json=document, headers={"Retry-After": "7"}))

    assert str(error) == "/config/program/0: no layer 5"
    assert error.faults == (RequestFault("/config/program/0", "no layer 5", {"kind": "ablate"}),)
    assert (error.status, error.title, error.retry_after) == (422, "Invalid request", 7)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.status, again.faults) == (str(error), 422, error.faults)


@pytest.mark.parametrize("said", [{"text": "<html>"}, {"json": ["a list"]}])
def test_an_error_of_something_in_between_is_told_by_its_status(said):
    error = refusal(answer(502, **said))

    assert str(error) == ("http://lab/api/v1/runs answers 502 (Bad Gateway) without saying why.")
    assert error.is_passing


def test_whoever_lacks_a_token_is_told_how_to_give_one():
    assert "OPTOSCOPE_TOKEN" in str(refusal(answer(401, json={"detail": "A token."})))


def test_arguments_come_before_the_environment_and_tokens_before_files(monkeypatch, tmp_path):
    for name, text in (("one", "from a file\n"), ("two", "from another")):
        (tmp_path / name).write_text(text)
    assert settings.address(None) == settings.LOCAL
    assert settings.token(None) == ""
    monkeypatch.setenv(settings.URL, "lab.example.org:8000/optoscope/")
    monkeypatch.setenv(settings.TOKEN_FILE, str(tmp_path / "one"))
    assert settings.address(None) == "http://lab.example.org:8000/optoscope"
    assert settings.address("https://other") == "https://other"
    assert settings.token(None) == "from a file"
    monkeypatch.setenv(settings.TOKEN, " from the environment ")
    assert settings.token(None) == "from the environment"
    assert settings.token(None, tmp_path / "two") == "from another"
    assert settings.token("given", tmp_path / "two") == "given"
    assert settings.token("") == ""


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch):
    for name in (settings.URL, settings.TOKEN, settings.TOKEN_FILE):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("wrong", ["ftp://lab", "http://", "http://lab:port"])
def test_what_is_no_address_is_refused_with_one_that_would_be(wrong):
    with pytest.raises(ValueError, match=settings.LOCAL):
        settings.address(wrong)


def test_a_token_file_that_is_missing_or_empty_is_told(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        settings.token(None, tmp_path / "none")
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="empty is empty"):
        settings.token(None, tmp_path / "empty")


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("http://localhost:8000/optoscope", True),
        ("https://lab.example.org", False),
        ("http://10.0.0.1", False),
    ],
)
def test_addresses_of_this_machine_are_known(url, own):
    assert settings.is_own_machine(url) is own


def test_a_server_that_is_not_there_is_told_with_what_to_do():
    lab = Connection("http://127.0.0.1:1")
    with pytest.raises(OptoscopeError, match="optoscope up") as caught:
        lab.delete("/runs/a")
    assert caught.value.status == 0


def test_options_have_their_sections_and_leave_what_they_came_from_alone():
    config = {"training": {"sequences": 9}, "program": [1]}

    made = merged(config, {"learning_rate": 1e-3, "seed": 4, "seeds.data": 5, "clamps": []})

    assert made == {
        "training": {"sequences": 9, "learning_rate": 1e-3},
        "seeds": {"initial": 4, "data": 5},
        "program": [],
    }
    assert config == {"training": {"sequences": 9}, "program": [1]}
    laid = laid_over(config, {"training": {"epsilon": 1}, "program": [2], "task": {"labels": 3}})
    assert laid == {
        "training": {"sequences": 9, "epsilon": 1},
        "program": [2],
        "task": {"labels": 3},
    }
    with pytest.raises(ValueError, match="did you mean 'sequences'"):
        place_of("sequnces")


def test_axes_are_named_as_options_are():
    assert axes_of({"seed": range(2), "clamps": [[]], "program.0.strength": (1,)}) == [
        {"field": "seeds.initial", "values": [0, 1]},
        {"field": "program", "values": [[]]},
        {"field": "program.0.strength", "values": [1]},
    ]
    labelled = {"field": "width", "values": [16], "labels": ["narrow"]}
    assert axes_of([labelled]) == [labelled | {"field": "model.width"}]


def test_a_library_that_is_missing_is_told_with_what_to_install():
    with pytest.raises(ImportError, match="pip install nothing_of_that_name"):
        library("nothing_of_that_name.part")
    assert library("json") is json


class Answering(httpx.BaseTransport):
    """Answers one request after the other, and remembers them."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.asked = [*answers], []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def connected(monkeypatch):
    """A connection to a server that answers so, and what it is asked."""
    monkeypatch.setattr(connection, "PAUSES", (0, 0))
    inside = httpx.Client.__init__

    def connected(*answers: httpx.Response | Exception) -> tuple[Connection, list[httpx.Request]]:
        transport = Answering(*answers)
        monkeypatch.setattr(
            httpx.Client, "__init__", lambda self, **said: inside(self, **said, transport=transport)
        )
        return Connection("http://lab"), transport.asked

    return connected


CUT = httpx.RemoteProtocolError("the server has left")


def test_what_may_not_have_been_heard_is_sent_again_as_the_same_request(connected):
    lab, asked = connected(CUT, httpx.Response(503), httpx.Response(202, json={"id": "a"}))

    assert lab.post("/runs", {"config": {}}) == {"id": "a"}
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 1
    assert [request.content for request in asked] == [b'{"config":{}}'] * 3


def test_another_launch_is_another_request(connected):
    lab, asked = connected(*(httpx.Response(202, json={}) for _ in range(2)))
    for _ in range(2):
        lab.post("/runs", {})
    assert len({request.headers["Idempotency-Key"] for request in asked}) == 2


def test_it_is_given_up_after_three_times_and_at_once_where_nothing_would_change(connected):
    lab, asked = connected(CUT, CUT, CUT)
    with pytest.raises(OptoscopeError, match="the server has left"):
        lab.get("/runs")
    assert len(asked) == 3
    lab, asked = connected(httpx.Response(404, json={"detail": "There is none."}))
    with pytest.raises(OptoscopeError, match="There is none"):
        lab.get("/runs/a")
    assert len(asked) == 1


def test_a_deletion_is_never_sent_again(connected):
    lab, asked = connected(CUT)
    with pytest.raises(OptoscopeError):
        lab.delete("/runs/a")
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(200, text="<html>"), httpx.Response(301, headers={"Location": "https://lab"})],
)
def test_what_is_no_optoscope_is_told(connected, answer):
    lab, _ = connected(answer)
    with pytest.raises(OptoscopeError, match="is no Optoscope"):
        lab.get("/runs")


def test_a_download_that_breaks_off_leaves_no_file(connected, tmp_path):
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise CUT

    lab, _ = connected(httpx.Response(200, content=broken()), httpx.Response(200, content=b"bad"))
    with pytest.raises(OptoscopeError, match="the server has left"):
        lab.save("/a", tmp_path / "file")
    with pytest.raises(OSError, match="came damaged"):
        lab.save("/a", tmp_path / "file", sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_an_id_leads_nowhere_but_to_itself(connected):
    lab, asked = connected(*(httpx.Response(404, json={"detail": "none"}) for _ in range(2)))
    for wrong in ("../studies/a", "a?now=true"):
        with pytest.raises(OptoscopeError, match="none"):
            lab.get(f"/runs/{part(wrong)}")
    paths = [request.url.raw_path.decode() for request in asked]
    assert paths == ["/api/v1/runs/..%2Fstudies%2Fa", "/api/v1/runs/a%3Fnow%3Dtrue"]
    with pytest.raises(ValueError, match="is empty"):
        Client("http://lab", token="").run("")
