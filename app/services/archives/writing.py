"""An archive as it is sent: run after run, and last the manifest, which knows what was sent.

    manifest.json
    studies/ID.json
    runs/ID/run.json, measurements.jsonl, frames.jsonl, log.txt, analysis-ID.jsonl
    files/SHA256.safetensors

Every read is a transaction of its own: a slow reader holds none.
"""

import hashlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db import runs as run_rows
from app.db import series
from app.db.engine import session_scope
from app.db.models import Checkpoint, ResumePoint, Run
from app.db.studies import study_by_id
from app.db.whole import archived as rows
from app.schemas.api.archives import (
    FORMAT,
    ArchivedAnalysis,
    ArchivedCheckpoint,
    ArchivedEvent,
    ArchivedFile,
    ArchivedFrame,
    ArchivedMeasurement,
    ArchivedMember,
    ArchivedParent,
    ArchivedPart,
    ArchivedPlace,
    ArchivedRow,
    ArchivedRun,
    ArchivedStudy,
    ArchiveManifest,
)
from app.schemas.state import TERMINAL
from app.services.runs.log_files import read_log
from app.services.series.files import whole_file
from app.services.zip_pieces import ZipMember, zip_pieces

ROWS_AT_ONCE, FRAMES_AT_ONCE, PARTS_AT_ONCE = 500, 50, 20
MOST_LINES = 100_000  # of a log
Model = TypeVar("Model", bound=BaseModel)
ENDED = tuple(state.value for state in TERMINAL)  # states of analyses are called the same


@dataclass
class ArchiveWriter:
    """Writes runs and studies; keeps account of what was written."""

    engine: Engine
    data_dir: Path
    run_ids: Sequence[str]
    study_ids: Sequence[str] = ()
    written: dict[str, ArchivedMember] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def pieces(self) -> Iterator[bytes]:
        """The whole file."""
        return zip_pieces(self._members())

    def _members(self) -> Iterator[ZipMember]:
        for run_id in self.run_ids:
            yield from self._of_run(run_id)
        for study_id in self.study_ids:
            yield from self._of_study(study_id)
        manifest = ArchiveManifest(
            format=FORMAT,
            program=version("optoscope"),
            runs=self.runs,
            studies=[one for one in self.study_ids if f"studies/{one}.json" in self.written],
            members=self.written,
            left_out=self.left_out,
        )
        yield ZipMember("manifest.json", [manifest.model_dump_json(indent=1).encode()])

    def _of_run(self, run_id: str) -> Iterator[ZipMember]:
        with self._session() as session:
            run = run_rows.run_by_id(session, run_id)
            if run is None:
                self.left_out.append(f"Run {run_id}, which was deleted meanwhile.")
                return
            whole = _whole(session, run)
            log = "\n".join(read_log(self.data_dir, run, MOST_LINES).lines)
            urls = _urls(session, run)
        place = f"runs/{run_id}"
        yield self._noted(f"{place}/measurements.jsonl", self._measurements(run_id))
        yield self._noted(f"{place}/frames.jsonl", self._frames(run_id))
        for one in whole.analyses:
            yield self._noted(f"{place}/analysis-{one.id}.jsonl", self._parts(one.id))
        if log:
            yield self._noted(f"{place}/log.txt", [log.encode(errors="replace")])
        lost: set[str] = set()
        for file in whole.files:
            yield from self._weights(run_id, file, urls[file.sha256], lost)
        yield self._noted(f"{place}/run.json", [_json(_without(whole, lost))])
        self.runs.append(run_id)

    def _weights(
        self, run_id: str, file: ArchivedFile, url: str, lost: set[str]
    ) -> Iterator[ZipMember]:
        name = f"files/{file.sha256}.safetensors"
        if name in self.written:
            return
        content = whole_file(url, file.sha256)
        if content is None:
            lost.add(file.sha256)
            self.left_out.append(
                f"Weights of run {run_id} at {file.sequences}: missing, or damaged."
            )
            return
        # Numbers of weights are as good as random: packing them costs time and saves nothing.
        yield self._noted(name, [content], is_packed=False)

    def _of_study(self, study_id: str) -> Iterator[ZipMember]:
        with self._session() as session:
            study = study_by_id(session, study_id)
            if study is None:
                self.left_out.append(f"Study {study_id}, which was deleted meanwhile.")
                return
            places = [
                _read(ArchivedPlace, one)
                for one in rows.places_of(session, study_id)
                if one.run_id in self.runs
            ]
            found = _read(ArchivedStudy, study, places=places)
        yield self._noted(f"studies/{study_id}.json", [_json(found)])

    def _measurements(self, run_id: str) -> Iterator[bytes]:
        read = partial(rows.measurements_page, run_id=run_id, limit=ROWS_AT_ONCE)
        for page in self._pages(read, ROWS_AT_ONCE):
            yield b"".join(_line(ArchivedMeasurement.model_validate(dict(row))) for row in page)

    def _frames(self, run_id: str) -> Iterator[bytes]:
        read = partial(rows.frames_page, run_id=run_id, limit=FRAMES_AT_ONCE)
        for page in self._pages(read, FRAMES_AT_ONCE):
            yield b"".join(_line(_frame(row)) for row in page)

    def _pages(
        self, read: Callable[..., Sequence[Mapping[str, Any]]], size: int
    ) -> Iterator[Sequence[Mapping[str, Any]]]:
        after = -1
        while True:
            with self._session() as session:
                page = read(session, after=after)
            yield page
            if len(page) < size:
                return
            after = page[-1]["sequences"]

    def _parts(self, analysis_id: str) -> Iterator[bytes]:
        after = -1
        while True:
            with self._session() as session:
                page = rows.parts_of(session, analysis_id, after, PARTS_AT_ONCE)
            yield b"".join(_line(ArchivedPart(place=one.place, found=one.found)) for one in page)
            if len(page) < PARTS_AT_ONCE:
                return
            after = page[-1].place

    def _noted(
        self, name: str, content: Iterator[bytes] | list[bytes], *, is_packed: bool = True
    ) -> ZipMember:
        """The member, of which is noted what it was once it is sent."""

        def counted() -> Iterator[bytes]:
            digest, size = hashlib.sha256(), 0
            for piece in content:
                digest.update(piece)
                size += len(piece)
                yield piece
            self.written[name] = ArchivedMember(size=size, sha256=digest.hexdigest())

        return ZipMember(name, counted(), is_packed)

    def _session(self) -> AbstractContextManager[Session]:
        return session_scope(self.engine)


def _whole(session: Session, run: Run) -> ArchivedRun:
    probe, point = series.probe_of(session, run.id), rows.resume_point_of(session, run.id)
    going_on = point is not None and run.state not in TERMINAL
    return ArchivedRun(
        run=_read(ArchivedRow, run),
        parent=_parent(session, run),
        probe=None if probe is None else probe.sequences,
        events=[_read(ArchivedEvent, one) for one in rows.events_of(session, run.id)],
        checkpoints=[
            _read(ArchivedCheckpoint, one) for one in series.checkpoints_of(session, run.id)
        ],
        # Of a run that has ended nobody needs it.
        resume_point=_read(ArchivedFile, point) if going_on else None,
        analyses=[_read(ArchivedAnalysis, one) for one in rows.analyses_of(session, run.id, ENDED)],
    )


def _parent(session: Session, run: Run) -> ArchivedParent | None:
    found = rows.known_runs(session, [run.parent_id]) if run.parent_id else {}
    for parent_id, known in found.items():
        return ArchivedParent(id=parent_id, created_at=known.created_at)
    return None


def _urls(session: Session, run: Run) -> dict[str, str]:
    """Where the files of a run are, by their SHA-256."""
    point = rows.resume_point_of(session, run.id)
    named: list[Checkpoint | ResumePoint] = [*series.checkpoints_of(session, run.id)]
    return {one.sha256: one.url for one in [*named, *([point] if point else [])]}


def _without(whole: ArchivedRun, lost: set[str]) -> ArchivedRun:
    """The same without files that could not be had."""
    point = whole.resume_point
    return whole.model_copy(
        update={
            "checkpoints": [one for one in whole.checkpoints if one.sha256 not in lost],
            "resume_point": None if point and point.sha256 in lost else point,
        }
    )


def _frame(row: Mapping[str, Any]) -> ArchivedFrame:
    composition = row["composition"]
    return ArchivedFrame(
        sequences=row["sequences"],
        attempt=row["attempt"],
        patterns=b64encode(row["patterns"]).decode(),
        composition=None if composition is None else b64encode(composition).decode(),
    )


def _read(model: type[Model], row: object, **more: object) -> Model:
    """What the model says of a row."""
    said = {name: getattr(row, name) for name in model.model_fields if name not in more}
    return model.model_validate({**said, **more})


def _json(model: BaseModel) -> bytes:
    return model.model_dump_json(indent=1).encode()


def _line(model: BaseModel) -> bytes:
    return model.model_dump_json().encode() + b"\n"
