"""A reader of server-sent events, in a thread, that tests can ask what came so far."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx


@dataclass(frozen=True)
class Event:
    name: str
    id: str
    data: Any


@dataclass
class EventStream:
    """`with EventStream(url) as stream:` reads until the server ends it or the block does."""

    url: str
    headers: dict[str, str] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list, init=False)
    comments: list[str] = field(default_factory=list, init=False)
    ended: bool = field(default=False, init=False)

    def __enter__(self) -> "EventStream":
        self._client = httpx.Client(timeout=httpx.Timeout(10, read=30))
        request = self._client.build_request("GET", self.url, headers=self.headers)
        self._response = self._client.send(request, stream=True)
        assert self._response.status_code == 200, self._response.read()
        self._thread = threading.Thread(target=self._read, name=f"reader of {self.url}")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        socket = self._response.extensions["network_stream"].get_extra_info("socket")
        with suppress(OSError):
            socket.shutdown(2)  # wakes the reader
        self._thread.join()
        self._response.close()
        self._client.close()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        with suppress(httpx.TransportError):
            for line in self._response.iter_lines():
                if line.startswith(":"):
                    self.comments.append(line)
                elif line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif "data" in fields:
                    data = json.loads(fields["data"])
                    self.events.append(Event(fields["event"], fields.get("id", ""), data))
                    fields = {}
        self.ended = True

    def named(self, *names: str) -> list[Event]:
        return [event for event in self.events if event.name in names]

    @property
    def sequences(self) -> list[int]:
        """Of every measurement, in the order in which they came."""
        places: list[int] = []
        for event in self.named("measurement", "measurements"):
            several = event.data if event.name == "measurements" else [event.data]
            places.extend(one["sequences"] for one in several)
            assert event.id == str(places[-1])
        return places

    def wait(self, condition: Callable[["EventStream"], bool], seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not condition(self):
            assert time.monotonic() < deadline, (
                f"not within {seconds} s; sequences {self.sequences}, last events "
                f"{self.events[-5:]}"
            )
            time.sleep(0.01)

    def wait_for(self, *sequences: int, seconds: float = 8) -> None:
        """Until exactly these have come; sooner than an idle stream looks by itself."""
        self.wait(lambda _: len(self.sequences) >= len(sequences), seconds)
        assert self.sequences == list(sequences)
