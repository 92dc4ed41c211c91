"""Events of a run's stream, as bytes on the wire (server-sent events).

`run`: the run, as `RunRead`; that it rests is said after its last measurements. `measurement`: one
measurement, with `id` its `sequences`. `measurements`: a list of them, when many are read at once;
`id` is that of the last. `frame`: there is a new attention frame; `frames`: there are several.
`done`: nothing will come any more.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fastapi.sse import format_sse_event
from pydantic import TypeAdapter

from app.schemas.api.events import FrameMessage, MeasurementMessage, Message
from app.schemas.api.runs import RunRead
from app.schemas.measure import Measurement
from app.services.series.measurements import finite, nonfinite_series

PING = format_sse_event(comment="ping")
HELLO = format_sse_event(comment="optoscope", retry=1000)

_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


@dataclass(frozen=True, slots=True)
class RunNews:
    """What Redis told, encoded once for all streams. Without `event`: only read the run's row."""

    sequences: int = -1
    previous: int = -1  # the measurement before this one; -1: none
    is_measurement: bool = False
    is_frame: bool = False
    event: bytes = b""


def news_from(payload: bytes) -> RunNews:
    """Reads a payload of `app.schemas.api.events`. Raises pydantic's `ValidationError`."""
    message = _MESSAGE.validate_json(payload)
    if isinstance(message, MeasurementMessage):
        measurement = message.measurement
        return RunNews(
            sequences=measurement.sequences,
            previous=-1 if message.previous is None else message.previous,
            is_measurement=True,
            event=measurement_event(measurement, message.computed_at),
        )
    if isinstance(message, FrameMessage):
        event = frames_event([message.sequences])
        return RunNews(sequences=message.sequences, is_frame=True, event=event)
    return RunNews()


def measurement_event(measurement: Measurement, computed_at: str) -> bytes:
    """One measurement, stamped with the moment at which it is sent."""
    # Once for all streams of the process: a slow one sends it later than it says.
    data = {**_measurement_data(measurement, computed_at), "sent_at": _now()}
    return _event("measurement", data, id=measurement.sequences)


def measurements_event(measurements: Sequence[tuple[Measurement, str]]) -> bytes:
    """Measurements, each with the moment at which it was computed; many are one event."""
    if len(measurements) == 1:
        return measurement_event(*measurements[0])
    data = [_measurement_data(*one) | {"sent_at": _now()} for one in measurements]
    return _event("measurements", data, id=measurements[-1][0].sequences)


def frames_event(sequences: Sequence[int]) -> bytes:
    """There are frames at these places."""
    if len(sequences) == 1:
        return _event("frame", {"sequences": sequences[0]})
    return _event("frames", {"sequences": list(sequences)})


def run_event(run: RunRead) -> bytes:
    """Where the run stands."""
    return format_sse_event(event="run", data_str=run.model_dump_json())


def done_event(state: str) -> bytes:
    """Nothing will come any more: the client closes the stream."""
    return _event("done", {"state": state})


def addressed(run_id: str, event: bytes) -> bytes:
    """An event as one of a stream of several runs: it says whose it is, and has no id of its own.

    `done` is called `ended` there: other runs go on.
    """
    # Of finished bytes, so that an event is worded once for all streams. Relies on each having one
    # line of data, and its id before that.
    head, separator, data = event.partition(b"data: ")
    if not separator:
        return event  # a comment
    content = data.split(b"\n", 1)[0]
    whose = json.dumps(run_id).encode()
    name = head.replace(b"event: done", b"event: ended")
    return name + b'data: {"run_id":' + whose + b',"data":' + content + b"}\n\n"


def _measurement_data(measurement: Measurement, computed_at: str) -> dict[str, Any]:
    return {
        **{name: _sayable(value) for name, value in measurement},
        "computed_at": computed_at,
        "nonfinite": [
            {"series": name, "value": kind} for name, kind in nonfinite_series(measurement)
        ],
    }


def _sayable(value: object) -> object:
    """NaN and infinities as null, however deep they lie."""
    if isinstance(value, tuple):
        return [_sayable(item) for item in value]
    return finite(value) if isinstance(value, float) else value


def _event(name: str, data: object, *, id: int | None = None) -> bytes:
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return format_sse_event(event=name, data_str=text, id=None if id is None else str(id))


def _now() -> str:
    return datetime.now(UTC).isoformat()
