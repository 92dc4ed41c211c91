"""Runs and studies as one file: the same elsewhere, once, as a whole or not at all."""

import hashlib
import io
import json
import math
import zipfile
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, make_url, text

from app.config import Settings
from app.db import recording
from app.db.base import Base
from app.db.claims import Claim
from app.db.engine import make_engine, session_scope
from app.db.models import Analysis, AnalysisPart
from app.db.recording import StoredFile
from app.db.studies import runs_of_study
from app.db.whole.migrate import upgrade
from app.errors import Invalid
from app.main import create_app
from app.schemas.state import RunState
from app.schemas.studies.request import StudyRequest
from app.services.archives import container
from app.services.archives.container import Archive
from app.services.archives.writing import ArchiveWriter
from app.services.runs.log_files import log_folder
from app.services.runs.outbox import transaction
from app.services.studies import lifecycle
from tests.integration.support.rows import (
    SMALL,
    add,
    add_checkpoint,
    add_frame,
    add_probe,
    change,
    measurement,
    moved,
    new_run,
)
from tests.integration.support.web_server import serving

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


@pytest.fixture(scope="module")
def another(session_engine, session_settings, tmp_path_factory) -> Iterator[There]:
    name, folder = "optoscope_other", tmp_path_factory.mktemp("other")
    with session_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {name}"))
        url = make_url(session_settings.database_url).set(database=name)
        address = url.render_as_string(hide_password=False)
        said = {"database_url": address, "data_dir": folder, "most_archive_gb": 0.05}
        settings = session_settings.model_copy(update=said)
        upgrade(settings.database_url)
        engine = make_engine(settings.database_url)
        with (
            serving(create_app(settings)) as server,
            httpx.Client(base_url=server.url, timeout=30) as client,
        ):
            yield There(client, engine, settings)
        engine.dispose()
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def there(another) -> There:
    """The same, empty."""
    tables = ", ".join(f'"{table.name}"' for table in Base.metadata.sorted_tables)
    with another.engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {tables} RESTART IDENTITY"))
    for path in sorted(another.files, reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    return another


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


@pytest.fixture
def run_id(engine, outbox, tmp_path) -> str:
    run_id = new_run(engine, outbox, SMALL, name="Übung =1", tags=["a", "b"], notes="Notes\n2")
    fill(engine, outbox, run_id, tmp_path)
    return run_id


@pytest.fixture
def study_id(engine, outbox, settings, tmp_path) -> str:
    """A study of two runs, one answered about and with a log, the other failed."""
    asked = {
        "name": "Two seeds",
        "base": SMALL.model_dump(mode="json"),
        "axes": [{"field": "seeds.initial", "values": [1, 2]}],
    }
    with transaction(engine, outbox) as session:
        study = lifecycle.launch(session, StudyRequest.model_validate(asked))
        first, second = [run.id for _, run in runs_of_study(session, study.id)]
    fill(engine, outbox, first, tmp_path)
    fill(engine, outbox, second, tmp_path, RunState.FAILED)
    change(engine, second, error_kind="diverged", error_message="The loss is no number.")
    with session_scope(engine) as session:
        session.add(answer := analysis(first))
        session.flush()
        session.add(AnalysisPart(analysis_id=answer.id, place=0, found={"loss": 0.25, "ü": [1]}))
    log_folder(settings.data_dir).mkdir(parents=True, exist_ok=True)
    (log_folder(settings.data_dir) / f"{first}.log").write_text("began\nended\n")
    return study.id


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


def test_a_study_is_the_same_elsewhere_and_comes_once(client, engine, study_id, there):
    content = archive_of(client, f"studies/{study_id}/archive.zip")

    said = there.bring(content).json()

    assert everything(there.engine) == everything(engine)
    assert min(counts(engine).values()) > 0
    assert [one["is_new"] for one in said["runs"] + said["studies"]] == [True] * 3
    listed = there.client.get(f"{API}/runs", params={"study": study_id}).json()["runs"]
    for run in listed:
        checkpoints = there.client.get(f"{API}/runs/{run['id']}/checkpoints").json()["checkpoints"]
        assert len(checkpoints) == 2
        for one in checkpoints:
            weights = there.client.get(one["url"]).content
            assert hashlib.sha256(weights).hexdigest() == one["sha256"]
    first = listed[-1]["id"]
    assert there.client.get(f"{API}/runs/{first}/log").json()["lines"] == ["began", "ended"]
    # Once more: here already, and nothing twice.
    again = there.bring(content).json()
    assert [one["is_new"] for one in again["runs"] + again["studies"]] == [False] * 3
    assert everything(there.engine) == everything(engine)
    assert archive_of(there.client, f"studies/{study_id}/archive.zip") == content


def test_a_fork_finds_its_parent_and_shares_its_files(client, engine, run_id, there):
    asked = {"sequences": 64, "optimiser": "reset", "learning_rate": 0.001}
    fork = client.post(f"{API}/runs/{run_id}/fork", json=asked).json()["id"]
    client.post(f"{API}/runs/{fork}/cancel")

    content = archive_of(client, f"archive.zip?runs={fork},{run_id}")
    assert archive_of(client, f"archive.zip?run={fork}&run={run_id}") == content

    there.bring(content)

    assert everything(there.engine) == everything(engine)
    assert len([path for path in there.files if path.is_file()]) == 2


def test_a_fork_alone_keeps_its_parents_name(client, run_id, there):
    asked = {"sequences": 64, "optimiser": "reset", "learning_rate": 0.001}
    fork = client.post(f"{API}/runs/{run_id}/fork", json=asked).json()["id"]
    client.post(f"{API}/runs/{fork}/cancel")

    there.bring(archive_of(client, f"runs/{fork}/archive.zip"))

    lineage = there.client.get(f"{API}/runs/{fork}").json()["lineage"]
    assert (lineage["parent"]["name"], lineage["parent"]["id"]) == ("Übung =1", None)


def test_a_run_whose_id_is_taken_gets_another_one_and_the_same_again(
    client, engine, run_id, there, outbox, monkeypatch
):
    content = archive_of(client, f"runs/{run_id}/archive.zip")
    monkeypatch.setattr("app.services.runs.creation.new_id", lambda: run_id)
    new_run(there.engine, outbox, SMALL, name="Another")

    [one] = there.bring(content).json()["runs"]
    [again] = there.bring(content).json()["runs"]

    assert (one["was"], one["is_new"], again["is_new"]) == (run_id, True, False)
    assert one["id"] == again["id"] != run_id
    path = "measurements.csv"
    numbers = there.client.get(f"{API}/runs/{one['id']}/{path}").text
    assert numbers == client.get(f"{API}/runs/{run_id}/{path}").text
    assert counts(there.engine)["run"] == 2


def test_a_run_that_trains_is_set_aside_with_where_it_goes_on(
    client, engine, outbox, tmp_path, there
):
    run_id = new_run(engine, outbox, SMALL, name="Half")
    fill(engine, outbox, run_id, tmp_path, RunState.RUNNING)
    with session_scope(engine) as session:
        recording.set_resume_points(session, {Claim(run_id, 3): stored(tmp_path, run_id, 96)})

    [said] = there.bring(archive_of(client, f"runs/{run_id}/archive.zip")).json()["runs"]

    run = there.client.get(f"{API}/runs/{run_id}").json()
    assert (run["state"], "running" in said["note"]) == ("paused", True)
    with there.engine.connect() as connection:
        point = connection.execute(text("SELECT url, sha256 FROM resume_point")).one()
        kind, message = connection.execute(
            text("SELECT kind, message FROM run_event ORDER BY id DESC LIMIT 1")
        ).one()
    assert point.sha256 == stored(tmp_path, run_id, 96).sha256
    assert f"{run_id}/resume-00000000096-3.safetensors" in point.url
    assert (kind, "from 96 sequences" in message) == ("paused", True)
    assert there.client.post(f"{API}/runs/{run_id}/resume").status_code == 202


def test_weights_that_are_lost_are_left_out_and_said(client, engine, run_id, tmp_path, there):
    (tmp_path / run_id / f"{64:011d}-1.safetensors").write_bytes(b"damaged")

    content = archive_of(client, f"runs/{run_id}/archive.zip")

    [said] = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("manifest.json"))["left_out"]
    assert f"{run_id} at 64" in said
    assert there.bring(content).status_code == 200
    saved = there.client.get(f"{API}/runs/{run_id}/checkpoints").json()["checkpoints"]
    assert [one["sequences"] for one in saved] == [0]


def test_what_is_deleted_here_is_not_brought_back_unasked(client, run_id, there):
    content = archive_of(client, f"runs/{run_id}/archive.zip")
    there.bring(content)
    there.client.delete(f"{API}/runs/{run_id}")

    answer = there.bring(content)

    assert (answer.status_code, "restore it" in answer.json()["detail"]) == (409, True)


def test_what_happened_elsewhere_long_ago_is_no_news(client, engine, run_id, there):
    with engine.begin() as connection:
        connection.execute(text("UPDATE run_event SET at = at - interval '3 days'"))
    before = there.client.get(f"{API}/news").json()
    there.bring(archive_of(client, f"runs/{run_id}/archive.zip"))

    after = there.client.get(f"{API}/news", params={"after": before["cursor"]}).json()

    assert after["news"] == []


def test_the_page_says_what_became_of_an_archive(good, there):
    content, run_id = good

    first = there.client.post("/import", files={"archive": ("a.zip", content)})
    again = there.client.post("/import", files={"archive": ("a.zip", content)})
    refused = there.client.post("/import", files={"archive": ("a.zip", b"x" * 2_000_000)})

    assert "1 of 1 imported" in first.text
    assert f'href="/runs/{run_id}"' in first.text
    assert "was here already" in again.text
    assert (refused.status_code, "no zip file" in refused.text) == (422, True)


@pytest.mark.parametrize("changed", [{"axes": [{"x": 1}]}, {"request": {"base": 5}}])
def test_a_study_that_no_page_could_show_is_refused(client, study_id, there, changed):
    name = f"studies/{study_id}.json"
    content = archive_of(client, f"studies/{study_id}/archive.zip")

    answer = there.bring(edited(content, name, **changed))

    assert (answer.status_code, name in answer.json()["detail"]) == (422, True)


def test_an_answer_to_what_cannot_be_asked_is_refused(client, study_id, there):
    content = archive_of(client, f"studies/{study_id}/archive.zip")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        runs = [name for name in archive.namelist() if name.endswith("run.json")]
        [name] = [one for one in runs if json.loads(archive.read(one))["analyses"]]
        asked = json.loads(archive.read(name))["analyses"]
    asked[0]["request"] = {"kind": "nothing"}

    answer = there.bring(edited(content, name, analyses=asked))

    assert (answer.status_code, "cannot be" in answer.json()["detail"]) == (422, True)


# Hostile archives. Every change is made with a manifest that fits it, unless it is the manifest.


def rebuilt(content: bytes, changes: dict[str, bytes | None], **manifest: object) -> bytes:
    """An archive with other files; None: without it. `manifest`: what that says instead."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    said = json.loads(files.pop("manifest.json"))
    files |= changes
    files = {name: data for name, data in files.items() if data is not None}
    said["members"] = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in files.items()
    }
    return zipped({**files, "manifest.json": json.dumps(said | manifest).encode()})


def zipped(files: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return sink.getvalue()


def edited(content: bytes, name: str, **changes: object) -> bytes:
    """Another `run.json`: of the run (`run__name`), or beside it."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        said = json.loads(archive.read(name))
    for key, value in changes.items():
        inner, _, field = key.partition("__")
        if field:
            said[inner][field] = value
        else:
            said[inner] = value
    return rebuilt(content, {name: json.dumps(said).encode()})


def first_line(content: bytes, name: str, **changes: object) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        first, *rest = archive.read(name).splitlines(keepends=True)
    line = json.dumps(json.loads(first) | changes).encode() + b"\n"
    return rebuilt(content, {name: b"".join([line, *rest])})


def doubled(content: bytes, name: str) -> bytes:
    sink = io.BytesIO(content)
    with zipfile.ZipFile(sink, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(name, b"again")
    return sink.getvalue()


def flipped(content: bytes) -> bytes:
    """Weights are not packed: a byte of theirs, wherever they are."""
    return content.replace(b"weights of", b"weightS of", 1)


TOKEN = {"kind": "exemplar", "text": "a", "image": "javascript:alert(1)"}
HOSTILE = {
    "no zip file": (lambda _, __: b"PK no zip", "no zip file"),
    "not all of one": (lambda c, _: c[: len(c) // 2], "not all of one"),
    "a comment": (lambda c, _: c[:-2] + b"\x01\x00x", "no zip file"),
    "another zip file": (lambda _, __: zipped({"runs/a.txt": b""}), "holds runs/a.txt"),
    "no manifest": (lambda _, __: zipped({}), "no manifest.json"),
    "outside": (lambda c, _: rebuilt(c, {"../../etc/passwd": b"x"}), "holds ../../etc/passwd"),
    "absolute": (lambda c, _: rebuilt(c, {"/etc/passwd": b"x"}), "holds /etc/passwd"),
    "twice": (lambda c, r: doubled(c, f"runs/{r}/run.json"), "two files of one name"),
    "newer": (lambda c, _: rebuilt(c, {}, format=99), "has format 99"),
    "manifest of nothing": (lambda c, _: zipped({"manifest.json": b"[1]"}), "cannot be read"),
    "deep": (lambda c, _: zipped({"manifest.json": b"[" * 100_000}), "cannot be read"),
    "a flipped byte": (lambda c, _: flipped(c), "is damaged"),
    "other hash": (lambda c, r: rebuilt(c, {}, members={}), "is not in its manifest"),
    "missing": (lambda c, r: rebuilt(c, {f"runs/{r}/run.json": None}), "run.json of the archive"),
    "bomb": (lambda c, r: rebuilt(c, {f"runs/{r}/log.txt": b"0" * 60_000_000}), "Unpacked"),
    "no weights": (lambda c, r: edited(c, f"runs/{r}/run.json", checkpoints=[OTHER]), "not hold"),
    "state": (lambda c, r: edited(c, f"runs/{r}/run.json", run__state="happy"), "run/state"),
    "config": (lambda c, r: edited(c, f"runs/{r}/run.json", run__config={"x": 1}), "run.json"),
    "NUL": (lambda c, r: edited(c, f"runs/{r}/run.json", run__name="a\0"), "NUL"),
    "another id": (lambda c, r: edited(c, f"runs/{r}/run.json", run__id="0" * 10), "says that it"),
    "no picture": (
        lambda c, r: edited(c, f"runs/{r}/run.json", probe=[{"tokens": [TOKEN], "answer": "A"}]),
        "is no picture",
    ),
    "shape": (
        lambda c, r: first_line(c, f"runs/{r}/measurements.jsonl", loss=[1.0]),
        "another shape",
    ),
    "order": (
        lambda c, r: first_line(c, f"runs/{r}/measurements.jsonl", sequences=500),
        "out of order",
    ),
    "no number": (
        lambda c, r: first_line(c, f"runs/{r}/measurements.jsonl", loss=["x"] * 4),
        "measurements.jsonl of the archive, loss/0",
    ),
    "frame": (lambda c, r: first_line(c, f"runs/{r}/frames.jsonl", patterns="AAAA"), "of another"),
    "no base64": (lambda c, r: first_line(c, f"runs/{r}/frames.jsonl", patterns="?"), "no base64"),
}
OTHER = {
    **{"sequences": 0, "attempt": 1, "size": 3, "sha256": "0" * 64, "has_optimiser": False},
    **{"is_pinned": False, "created_at": "2026-01-01T00:00:00Z"},
}


@pytest.fixture(scope="module")
def good(session_engine, session_outbox, session_settings, tmp_path_factory) -> tuple[bytes, str]:
    """An archive, made once, and the id of its run."""
    run_id = new_run(session_engine, session_outbox, SMALL)
    fill(session_engine, session_outbox, run_id, tmp_path_factory.mktemp("good"))
    writer = ArchiveWriter(session_engine, session_settings.data_dir, [run_id])
    return b"".join(writer.pieces()), run_id


def test_hostile_archives_are_refused_in_a_sentence_and_leave_nothing(good, there):
    for kind, (harmed, sentence) in HOSTILE.items():
        answer = there.bring(harmed(*good))

        assert answer.status_code == 422, f"{kind}: {answer.text}"
        assert sentence in answer.json()["detail"], kind
        assert set(counts(there.engine).values()) == {0}, kind
        assert there.files == [], kind


def test_an_archive_that_is_too_large_is_refused_while_it_comes(there):
    answer = there.bring(b"\0" * 51_000_000)

    assert answer.status_code == 413


def test_a_long_list_of_members_is_not_read(good, monkeypatch):
    content, _ = good
    monkeypatch.setattr(container, "LARGEST_INDEX", 100)
    monkeypatch.setattr(container, "ZipFile", None)

    with pytest.raises(Invalid, match="more files than any"):
        Archive(io.BytesIO(content), 10**9)


def test_two_archives_come_one_after_the_other(good, there):
    content, _ = good
    taken = text("SELECT pg_advisory_lock(hashtext('importing an archive'))")
    with there.engine.connect() as connection:
        connection.execute(taken)
        answer = there.bring(content)
        connection.execute(text("SELECT pg_advisory_unlock_all()"))

    assert (answer.status_code, "after it" in answer.json()["detail"]) == (409, True)
    assert there.bring(content).status_code == 200
