"""Lines of logs: for people and for programs, without passwords."""

import json
import logging
import sys

import pytest
from pydantic import ValidationError

from app.config import Settings
from app.logs import JsonLines, TextLines, as_text, request_id

RUN, OTHER = "8kq2m4x7vd", "aaaaaaaaaa"


def record(message: str, *values: object, error: bool = False) -> logging.LogRecord:
    cause = sys.exc_info() if error else None
    return logging.LogRecord("app.here", logging.INFO, "", 1, message, values, cause)


def said(record: logging.LogRecord, *runs: str) -> dict:
    line = JsonLines(runs).format(record)
    assert "\n" not in line
    return json.loads(line)


def test_a_json_line_names_when_what_and_who():
    found = said(record("ready after %d s", 3))

    assert found.keys() == {"time", "level", "process", "logger", "message"}
    assert found["message"] == "ready after 3 s"
    assert found["time"].endswith("+00:00")


@pytest.mark.parametrize(
    ("message", "runs"),
    [
        (f"run {RUN}: attempt 1", [RUN]),
        (f"POST '/api/v1/runs/{RUN}/cancel': 202 in 3 ms", [RUN]),
        ("two layers are loaded", [OTHER]),
    ],
)
def test_the_run_is_that_of_the_message_or_those_of_the_process(message, runs):
    assert said(record(message), OTHER)["runs"] == runs


def test_the_request_at_hand_is_named():
    token = request_id.set("abc")
    try:
        assert said(record("refused"))["request"] == "abc"
    finally:
        request_id.reset(token)
    assert "request" not in said(record("refused"))


def test_an_error_is_within_its_line_and_is_read_as_text_again():
    try:
        raise RuntimeError("broken")
    except RuntimeError:
        line = JsonLines().format(record("it failed", error=True))

    text = as_text(line).split("\n")
    assert text[0].endswith("app.here: it failed")
    assert text[1].startswith("Traceback")
    assert text[-1] == "RuntimeError: broken"


@pytest.mark.parametrize("line", ["plain", '{"time": "cut o', '{"time": 1}', "{}", ""])
def test_what_is_no_line_of_ours_stays_as_it_is(line):
    assert as_text(line) == line


@pytest.mark.parametrize("lines", [TextLines(), JsonLines()])
def test_passwords_of_addresses_are_left_out(lines):
    message = "postgresql://me:hidden@host/x and redis://:hidden@host, https://host:80/a@b"

    line = lines.format(record(message))

    assert "hidden" not in line
    assert "https://host:80/a@b" in line


@pytest.mark.parametrize("url", ["mysql://me:hidden@host/x", "://me:hidden@host"])
def test_settings_that_cannot_be_do_not_show_them(url):
    with pytest.raises(ValidationError) as refused:
        Settings(database_url=url, redis_url="redis://:hidden@host", threads="many")

    assert "hidden" not in str(refused.value)
