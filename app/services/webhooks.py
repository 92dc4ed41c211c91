"""Telling other servers what happened to runs: signed, again until it arrives, across restarts.

Addresses are those of the server's settings and nobody else's: whoever may launch runs cannot have
this machine ask for anything. Redirects are not followed, and answers are not read.

Headers and signature are those of https://www.standardwebhooks.com: `webhook-id`,
`webhook-timestamp` and `webhook-signature`, `v1,` and base64 of HMAC-SHA256 over
`ID.TIMESTAMP.BODY`. A message that may have arrived without our knowing comes again with its id.
"""

import hashlib
import hmac
import json
import logging
import time
import urllib.error
import urllib.request
from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from http.client import HTTPException

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db import locks, news
from app.db.engine import session_scope
from app.db.hooks import deliveries
from app.db.models import RunEvent, WebhookDelivery
from app.logs import without_passwords

log = logging.getLogger(__name__)

KINDS = ("finished", "failed", "phase_change")
EVERY_SECONDS = 2.0
ANSWER_SECONDS = 10.0
AT_ONCE = 20
LEASE = timedelta(seconds=3 * ANSWER_SECONDS * AT_ONCE)  # after which another process tries
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=5), timedelta(hours=1)
NEWS_LAST = timedelta(days=7)  # that the web server may be away
MOST_ATTEMPTS = 80  # over three days
_PREFIX = "whsec_"  # of secrets that are written in base64


@dataclass(frozen=True)
class Webhooks:
    """Where to, and what it is signed with."""

    engine: Engine
    urls: Sequence[str]
    secret: str

    def tell(self) -> None:
        """Notes what has happened, and sends what is due."""
        with session_scope(self.engine) as session:
            # One at a time: what another process has noted is not noted again.
            if locks.try_lock(session, "optoscope.webhooks"):
                self._note(session)
        with session_scope(self.engine) as session:
            due = deliveries.take_due(session, limit=AT_ONCE, lease=LEASE)
        # Outside of any transaction: who is told may take long to answer.
        for one in due:
            self._deliver(one)

    def _note(self, session: Session) -> None:
        deliveries.forget_others(session, self.urls)
        known = deliveries.cursors(session)
        for url in self.urls:
            if url not in known:  # who is new hears of what happens from now on
                deliveries.set_cursor(session, url, news.latest_event(session))
                continue
            found = news.events_after(session, known[url], KINDS, limit=100, lasting=NEWS_LAST)
            for event, name in found:
                deliveries.add(session, url, event.id, _body(event, name))
            if found:
                deliveries.set_cursor(session, url, found[-1][0].id)

    def _deliver(self, one: WebhookDelivery) -> None:
        error = _post(one.url, one.body.encode(), self._headers(one))
        shown = without_passwords(one.url)
        with session_scope(self.engine) as session:
            if not error or one.attempts >= MOST_ATTEMPTS:
                deliveries.arrived(session, one.id)
            else:
                deliveries.put_off(session, one.id, wait_after(one.attempts), error)
        if error and one.attempts >= MOST_ATTEMPTS:
            log.error("webhook %s: event %s is given up: %s", shown, one.event_id, error)
        elif error:
            log.warning("webhook %s: event %s did not arrive: %s", shown, one.event_id, error)

    def _headers(self, one: WebhookDelivery) -> dict[str, str]:
        moment, message_id = str(int(time.time())), f"event_{one.event_id}"
        return {
            "Content-Type": "application/json",
            "User-Agent": "Optoscope",
            "webhook-id": message_id,
            "webhook-timestamp": moment,
            "webhook-signature": signature(self.secret, message_id, moment, one.body.encode()),
        }


def signature(secret: str, message_id: str, moment: str, body: bytes) -> str:
    """What shows that a message is ours, and when it was sent."""
    has_base64 = secret.startswith(_PREFIX)
    key = b64decode(secret.removeprefix(_PREFIX)) if has_base64 else secret.encode()
    signed = f"{message_id}.{moment}.".encode() + body
    return "v1," + b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def wait_after(attempts: int) -> timedelta:
    """Until the next try: 5, 10, 20 seconds and so on, an hour at most."""
    doubled: int = 2 ** min(attempts - 1, 20)
    return min(LONGEST_WAIT, FIRST_WAIT * doubled)


def _body(event: RunEvent, name: str) -> str:
    data = {
        "run_id": event.run_id,
        "run_name": name,
        "message": event.message,
        "sequences": event.sequences,
    }
    said = {"type": f"run.{event.kind}", "timestamp": event.at.isoformat(), "data": data}
    return json.dumps(said, ensure_ascii=False)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Else whoever is told could have us ask for any address."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _post(url: str, body: bytes, headers: dict[str, str]) -> str:
    """Sends it; why it did not arrive, or nothing."""
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with _OPENER.open(request, timeout=ANSWER_SECONDS):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return f"it answered {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        return without_passwords(str(error))[:300] or type(error).__name__
