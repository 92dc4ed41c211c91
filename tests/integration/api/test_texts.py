"""Texts that UTF-8 or Postgres cannot hold are refused with their place, wherever they come."""

import json

import pytest

from app.schemas.api.runs import Problem
from app.services.cursors import write_cursor
from tests.integration.support.rows import new_run

RUNS, STUDIES, IMPORT = "/api/v1/runs", "/api/v1/studies", "/api/v1/runs/import"
HALF, NUL = "a\ud800", "a\0"
SAID = {HALF: r"text cannot hold \ud800, half of a", NUL: "text cannot hold the character NUL"}


def _at(place, text):
    """A body that has the text at a place, a JSON pointer; its own name of a member is last."""
    content = text
    for step in reversed(place.strip("/").split("/")):
        content = [content] if step == "0" else {step: content}
    return content


@pytest.mark.parametrize("text", [HALF, NUL], ids=["half", "nul"])
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
@pytest.mark.parametrize(
    ("path", "place"),
    [
        (RUNS, "/name"),
        (RUNS, "/notes"),
        (RUNS, "/tags/0"),
        (RUNS, "/config/task/dataset"),
        (RUNS, "/config/program/0/site"),
        (RUNS, "/config/program/0/checkpoint"),
        (STUDIES, "/name"),
        (STUDIES, "/axes/0/field"),
        (STUDIES, "/axes/0/values/0"),
        (STUDIES, "/axes/0/labels/0"),
        (STUDIES, "/runs/0/changes/task"),
        (IMPORT, "/config/data_file"),
        (IMPORT, "/config/nested/0/deep"),
        (IMPORT, "/dataset"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused_at_its_place(client, path, query, place, text):
    _refused(client.post(path + query, **_json(_at(place, text))), place, text)


@pytest.mark.parametrize("text", [HALF, NUL], ids=["half", "nul"])
def test_a_name_of_a_member_is_refused_too(client, text):
    body = {"config": {"task": {text: 1}}}

    _refused(client.post(RUNS, **_json(body)), "/config/task", text)


@pytest.mark.parametrize("text", [HALF, NUL], ids=["half", "nul"])
@pytest.mark.parametrize("place", ["/name", "/notes", "/tags/0", "/colour"])
def test_a_run_is_not_changed_to_it(client, engine, outbox, place, text):
    run_id = new_run(engine, outbox, name="as before")

    _refused(client.patch(f"{RUNS}/{run_id}", **_json(_at(place, text))), place, text)
    assert client.get(f"{RUNS}/{run_id}").json()["name"] == "as before"


@pytest.mark.parametrize("text", [HALF, NUL], ids=["half", "nul"])
@pytest.mark.parametrize("place", ["/runs/0", "/tags/0", "/colour"])
def test_many_runs_are_not_either(client, place, text):
    body = {"runs": ["a"], "action": "tag", **_at(place, text)}

    _refused(client.post(f"{RUNS}/bulk", **_json(body)), place, text)


@pytest.mark.parametrize(
    ("path", "loc"),
    [
        (f"{RUNS}?q=%00", "query/q"),
        (f"{RUNS}?tag=a&tag=%00", "query/tag"),
        (f"{RUNS}.csv?clamp=%00", "query/clamp"),
        (f"{RUNS}/%00", "path/run_id"),
        (f"{RUNS}/a%00/events", "path/run_id"),
        (f"{STUDIES}/%00", "path/study_id"),
        ("/api/v1/compare/figure?runs=%00", "query/runs"),
        ("/api/v1/events?runs=%00", "query/runs"),
    ],
)
def test_an_address_is_refused_at_its_part(client, path, loc):
    answer = client.get(path)

    assert answer.status_code == 422
    assert [error["loc"] for error in answer.json()["errors"]] == [loc]


@pytest.mark.parametrize("path", ["/runs?q=%00", "/runs/%00", "/studies/%00", "/compare?find=%00"])
def test_pages_say_it_in_a_page(client, path):
    answer = client.get(path)

    assert (answer.status_code, "the character NUL" in answer.text) == (422, True)


@pytest.mark.parametrize("path", ["/runs", "/runs/new", "/runs/preview", "/runs/bulk", "/studies"])
@pytest.mark.parametrize("charset", ["utf-8", "unicode_escape"])
def test_forms_are_refused_in_any_charset(client, path, charset):
    text = "a\0" if charset == "utf-8" else r"\ud800"
    part = f'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n{text}\r\n--x--\r\n'
    kind = f"multipart/form-data; boundary=x; charset={charset}"

    answer = client.post(path, content=part.encode(), headers={"Content-Type": kind})

    assert (answer.status_code, "A text cannot hold" in answer.text) == (422, True)


@pytest.mark.parametrize("depth", [300, 900, 5000, 400_000])
@pytest.mark.parametrize("start", ['{"name": ', '{"config": {"task": ', ""])
def test_what_is_nested_too_deeply_is_no_bug(client, depth, start):
    close = "}" * start.count("{")

    content = start + "[" * depth + "]" * depth + close
    answer = client.post(RUNS, content=content, headers={"Content-Type": "application/json"})

    assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    "path",
    [
        f"{RUNS}/ID/measurements?after=1e21",
        f"{RUNS}/ID/measurements?after={2**63}",
        f"{RUNS}/ID/measurements?from={2**63}",
        f"{RUNS}/ID/measurements.csv?to={2**63}",
        f"{RUNS}/ID/frames?sequences={2**63}",
        f"{RUNS}/ID/checkpoints/{2**63}/file",
        f"/api/v1/news?after={2**63}",
    ],
)
def test_a_number_that_no_column_holds_is_refused_at_its_place(client, engine, outbox, path):
    answer = client.get(path.replace("ID", new_run(engine, outbox)))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"].startswith(("path/", "query/"))


@pytest.mark.parametrize("text", [HALF, NUL], ids=["half", "nul"])
@pytest.mark.parametrize("parts", [["-created", "ID", "2026-01-01"], ["-created", "a", "ID"]])
def test_a_cursor_that_holds_one_is_none(client, parts, text):
    parts = [part.replace("ID", text) for part in parts]

    answer = client.get(RUNS, params={"cursor": write_cursor(parts)})

    assert (answer.status_code, "not a cursor" in answer.text) == (422, True)


def test_a_key_that_no_index_holds_is_refused(client):
    answer = client.post(RUNS, json={}, headers={"Idempotency-Key": "x" * 8000})

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == "header/idempotency-key"


def _json(body):
    # With escapes: only they can name half a pair.
    return {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}


def _refused(answer, place, text):
    assert answer.status_code == 422
    problem = Problem.model_validate(answer.json())
    assert [error.loc for error in problem.errors] == [place]
    assert SAID[text] in problem.errors[0].message
