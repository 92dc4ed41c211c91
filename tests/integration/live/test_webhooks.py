"""Webhooks: signed, told once, again until they arrive, and only where the settings say."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import ValidationError
from sqlalchemy import text

from app.config import Settings
from app.db import locks
from app.db.engine import session_scope
from app.db.hooks import deliveries
from app.main import create_app
from app.schemas.state import RunState
from app.services.runs.lifecycle import record_event, run_or_error
from app.services.runs.outbox import transaction
from app.services.webhooks import LEASE, Webhooks, signature, wait_after
from tests.integration.support.rows import moved, new_run
from tests.integration.support.wait import until
from tests.integration.support.web_server import serving

SECRET = "a secret of some length"


class Receiver(ThreadingHTTPServer):
    """Remembers what it is told; `answer`: what it says to that."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.told: list[tuple[dict[str, str], bytes]] = []
        self.answer, self.location = 200, ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    @property
    def ids(self) -> list[str]:
        return [headers["webhook-id"] for headers, _ in self.told]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def handle_one_request(self) -> None:
        self.do_GET = self.do_POST
        super().handle_one_request()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.told.append(({k.lower(): v for k, v in self.headers.items()}, body))
        self.send_response(self.server.answer)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receivers() -> Iterator[list[Receiver]]:
    with ExitStack() as stack:
        found = [stack.enter_context(Receiver()) for _ in range(2)]
        for one in found:
            threading.Thread(target=one.serve_forever, args=(0.01,), daemon=True).start()
            stack.callback(one.shutdown)
        yield found


@pytest.fixture
def receiver(receivers) -> Receiver:
    return receivers[0]


@pytest.fixture
def hooks(engine, receiver) -> Webhooks:
    """With an address that has been there before anything happens."""
    found = Webhooks(engine, [receiver.url], SECRET)
    found.tell()
    return found


def finished(engine, outbox) -> str:
    run_id = new_run(engine, outbox, name="Übung")
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING, RunState.FINISHED)
    settle(engine)
    return run_id


def settle(engine) -> None:
    """Lets time pass: nothing that was added may be news of the last tenth of a second."""
    with engine.begin() as connection:
        connection.execute(text("UPDATE run_event SET at = at - interval '1 second'"))


def make_due(engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE webhook_delivery SET due_at = due_at - interval '1 day'"))


def waiting(engine) -> list[tuple[int, float, str]]:
    """Attempts, seconds until the next, and why, of what has not arrived."""
    query = "SELECT attempts, extract(epoch FROM due_at - clock_timestamp()), error"
    with engine.connect() as connection:
        rows = connection.execute(text(f"{query} FROM webhook_delivery ORDER BY id"))
        return [(attempts, float(seconds), error) for attempts, seconds, error in rows]


def test_what_happened_is_told_once_and_signed(engine, outbox, hooks, receiver):
    run_id = finished(engine, outbox)
    with transaction(engine, outbox) as session:
        run = run_or_error(session, run_id)
        record_event(session, run, "phase_change", "The drop begins.", sequences=5000)
    settle(engine)

    hooks.tell()
    hooks.tell()

    said = [json.loads(body) for _, body in receiver.told]
    assert [one["type"] for one in said] == ["run.finished", "run.phase_change"]
    assert said[0]["data"] == {
        "run_id": run_id,
        "run_name": "Übung",
        "message": "Every sequence was seen.",
        "sequences": 0,
    }
    for headers, body in receiver.told:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
        assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert waiting(engine) == []


def test_what_does_not_arrive_is_told_again_ever_later_under_the_same_id(
    engine, outbox, hooks, receiver
):
    receiver.answer = 500
    finished(engine, outbox)

    hooks.tell()
    hooks.tell()  # not due yet
    [(attempts, first, error)] = waiting(engine)
    make_due(engine)
    Webhooks(engine, hooks.urls, SECRET).tell()  # as after a restart
    [(_, second, _)] = waiting(engine)
    receiver.answer = 204
    make_due(engine)
    hooks.tell()

    assert (attempts, error) == (1, "it answered 500")
    assert 3 < first <= 5 < second <= 10
    assert len(receiver.ids) == 3
    assert len(set(receiver.ids)) == 1
    assert waiting(engine) == []


def test_a_server_that_does_not_answer_is_tried_again(engine, outbox, hooks, receiver):
    finished(engine, outbox)
    nobody = "http://127.0.0.1:9/hook"
    Webhooks(engine, [nobody], SECRET).tell()
    finished(engine, outbox)

    Webhooks(engine, [nobody], SECRET).tell()

    [(_, _, error)] = waiting(engine)
    assert "refused" in error


def test_who_dies_while_telling_is_followed_by_another_after_a_while(
    engine, outbox, hooks, receiver, monkeypatch
):
    finished(engine, outbox)
    monkeypatch.setattr(Webhooks, "_deliver", lambda *_: None)  # taken, and then killed
    hooks.tell()
    monkeypatch.undo()

    hooks.tell()
    assert receiver.told == []
    with engine.begin() as connection:
        late = {"seconds": LEASE.total_seconds()}
        shift = "UPDATE webhook_delivery SET due_at = due_at - make_interval(secs => :seconds)"
        connection.execute(text(shift), late)
    hooks.tell()

    assert len(receiver.told) == 1


def test_two_servers_side_by_side_tell_it_once(engine, outbox, hooks, receiver):
    finished(engine, outbox)
    with session_scope(engine) as session:
        assert locks.try_lock(session, "optoscope.webhooks")
        hooks.tell()  # the other is noting
    assert receiver.told == []
    hooks.tell()
    with session_scope(engine) as session:
        deliveries.add(session, receiver.url, int(receiver.ids[0].removeprefix("event_")), "{}")
        deliveries.take_due(session, limit=5, lease=LEASE)
        hooks.tell()  # the rows are taken

    assert len(receiver.told) == 1


def test_nobody_is_sent_on_to_another_address(engine, outbox, hooks, receivers):
    asked, secret_place = receivers
    asked.answer, asked.location = 302, secret_place.url
    finished(engine, outbox)

    hooks.tell()

    assert (len(asked.told), secret_place.told) == (1, [])
    assert waiting(engine)[0][2] == "it answered 302"


def test_a_new_address_hears_of_what_comes_and_an_old_one_of_nothing(
    engine, outbox, hooks, receivers
):
    finished(engine, outbox)
    old, new = receivers
    both = Webhooks(engine, [new.url], SECRET)

    both.tell()
    finished(engine, outbox)
    both.tell()

    assert (len(new.told), old.told) == (1, [])


def test_the_web_server_tells_by_itself(settings, engine, outbox, receiver, monkeypatch):
    monkeypatch.setattr("app.main.EVERY_SECONDS", 0.05)
    said = {"webhook_urls": (receiver.url,), "webhook_secret": SECRET}
    given = settings.model_dump() | said
    with serving(create_app(Settings.model_validate(given))):
        until(lambda: cursor(engine) is not None)
        finished(engine, outbox)
        until(lambda: receiver.told)

    assert json.loads(receiver.told[0][1])["type"] == "run.finished"


def cursor(engine) -> int | None:
    with engine.connect() as connection:
        return connection.execute(text("SELECT event_id FROM webhook_cursor")).scalar()


def test_signatures_are_those_of_the_standard():
    """The example of the libraries of standardwebhooks.com."""
    body = b'{"test": 2432232314}'
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"

    said = signature(secret, message, "1614265330", body)

    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_waits_grow_to_an_hour():
    waits = [wait_after(attempts) for attempts in (1, 2, 3, 10, 11, 79)]

    assert waits == [timedelta(seconds=s) for s in (5, 10, 20, 2560, 3600, 3600)]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"webhook_urls": "https://a.org/x"}, "needs OPTOSCOPE_WEBHOOK_SECRET"),
        ({"webhook_urls": "ftp://a.org", "webhook_secret": SECRET}, "is no address"),
        ({"webhook_urls": "file:///etc/passwd", "webhook_secret": SECRET}, "is no address"),
    ],
)
def test_settings_that_cannot_be_are_said(settings, said, why):
    given = {"database_url": "postgresql://a", "redis_url": "redis://a", **said}

    with pytest.raises(ValidationError, match=why):
        Settings.model_validate(given)
