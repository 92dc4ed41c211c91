"""Another Optoscope, what a run leaves, and what is in a database."""

import hashlib
import math
from array import array
from dataclasses import dataclass
from pathlib import Path

import httpx
from sqlalchemy import Engine, text

from app.config import Settings
from app.db.models import Analysis
from app.db.recording import StoredFile
from app.schemas.state import RunState
from tests.integration.support.rows import (
    add,
    add_checkpoint,
    add_frame,
    add_probe,
    change,
    measurement,
    moved,
)

API = "/api/v1"
# What only its own server's workers need of a run, what a row is called and where a file lies.
OWN = {
    "run": {"cancel_requested_at", "fruitless_attempts", "alone", "lease_until"},
    "run_event": {"id"},
    "checkpoint": {"url"},
    "analysis": {"lease_until", "fruitless_attempts", "moved_at"},
}
TABLES = (
    *("run", "run_extremes", "measurement", "frame", "probe", "checkpoint", "run_event"),
    *("study", "study_run", "analysis", "analysis_part"),
)
SCORES = array("f", [n / 7 for n in range(12)]).tobytes()


@dataclass(frozen=True)
class There:
    """Another Optoscope: its own database, store and server."""

    client: httpx.Client
    engine: Engine
    settings: Settings

    @property
    def files(self) -> list[Path]:
        return list((self.settings.data_dir / "checkpoints").rglob("*"))

    def bring(self, content: bytes) -> httpx.Response:
        return self.client.post(f"{API}/archives", files={"archive": ("a.zip", content)})


def fill(engine, outbox, run_id: str, folder: Path, state: RunState = RunState.FINISHED) -> None:
    """What a trainer leaves: numbers of every kind, frames, weights, an answer."""
    losses = (0.1 + 0.2, math.nan, math.inf, -math.inf, 5e-324)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    add(engine, run_id, *(measurement(32 * n, loss=loss) for n, loss in enumerate(losses)))
    add_frame(engine, outbox, run_id, 0, probes=2)
    add_frame(engine, outbox, run_id, 64, probes=2, composition=SCORES)
    add_probe(engine, run_id)
    for place in (0, 64):
        add_checkpoint(engine, run_id, stored(folder, run_id, place))
    change(engine, run_id, sequences=128, train_loss=math.nan, midpoint=70.5, attempt=3)
    change(engine, run_id, device="CPU, 2 threads", versions={"torch": "2.13.0"}, worker="w1")
    if state is not RunState.RUNNING:
        moved(engine, outbox, run_id, state)


def stored(folder: Path, run_id: str, place: int) -> StoredFile:
    content = f"weights of {run_id} at {place}".encode() * 100
    path = folder / run_id / f"{place:011d}-1.safetensors"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return StoredFile(place, path.as_uri(), len(content), hashlib.sha256(content).hexdigest())


def analysis(run_id: str) -> Analysis:
    return Analysis(
        id="7d0x3kq9me",
        run_id=run_id,
        kind="exhaustive",
        request={"kind": "exhaustive", "run": run_id},
        plan={"checkpoints": []},
        cache_key="ab" * 32,
        state="finished",
        done=1,
        total=1,
    )


def archive_of(client, path: str) -> bytes:
    answer = client.get(f"{API}/{path}")
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/zip"
    return answer.content


def everything(engine: Engine) -> dict[str, list[str]]:
    """All rows but for what is a server's own; as text, in which NaN is equal to NaN."""
    found = {}
    with engine.connect() as connection:
        for table in TABLES:
            rows = connection.execute(text(f'SELECT * FROM "{table}"')).mappings()
            kept = [{k: v for k, v in row.items() if k not in OWN.get(table, ())} for row in rows]
            found[table] = sorted(map(repr, kept))
    return found


def counts(engine: Engine) -> dict[str, int]:
    return {table: len(rows) for table, rows in everything(engine).items()}
