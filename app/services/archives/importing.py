"""Reading an archive: all of it, or nothing.

In this order: the archive is checked as a whole; it is decided what is new; files are written; then
one transaction adds all rows. What fails before its end leaves no row, and no file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.db import access, lineage
from app.db.engine import session_scope
from app.db.models import (
    AnalysisPart,
    Checkpoint,
    Frame,
    MeasurementRow,
    Probe,
    ResumePoint,
    RunEvent,
    Study,
    StudyRunRow,
)
from app.db.runs_list.extremes import keep_extremes
from app.db.whole import archived as db
from app.errors import Conflict, Invalid, Unavailable
from app.schemas.analyses.kinds import REQUEST
from app.schemas.api.archives import (
    ArchivedFrame,
    ArchivedMeasurement,
    ArchivedPart,
    ArchivedRun,
    ArchivedStudy,
    ImportedArchive,
    ImportedThing,
)
from app.schemas.api.studies import AxisRead
from app.schemas.state import TERMINAL
from app.schemas.studies.request import StudyRequest
from app.services.archives.container import Archive
from app.services.archives.placing import Placed, place, substitute
from app.services.archives.rows import (
    analysis_row,
    batches,
    checked,
    file_name,
    frame_row,
    in_order,
    measurement_row,
    run_row,
    set_aside,
)
from app.services.runs.grafts import donors_of
from app.services.runs.log_files import log_folder
from app.services.runs.outbox import Transactions, publish_run
from app.services.series.files import remove_files, write_file

ROWS_AT_ONCE, FRAMES_AT_ONCE, PARTS_AT_ONCE = 500, 50, 20

_AXES = TypeAdapter(list[AxisRead])


@dataclass(frozen=True)
class Importer:
    """What an import needs of its server."""

    engine: Engine
    begin: Transactions
    store_url: str
    data_dir: Path
    most_bytes: int

    def run(self, file: IO[bytes]) -> ImportedArchive:
        """Raises `Invalid` for what is no sound archive, `Conflict` for what cannot be now."""
        archive = Archive(file, self.most_bytes)
        with db.importing(self.engine) as is_ours:
            if not is_ours:
                raise Conflict("Another archive is being imported; import this one after it.")
            return _Import(self, archive).run()


class _Import:
    """One archive on its way into a database in which nobody else imports meanwhile."""

    def __init__(self, how: Importer, archive: Archive) -> None:
        self._how, self._archive = how, archive
        manifest = archive.manifest
        self._runs = {one: self._run_of(one) for one in manifest.runs}
        self._studies = {
            one: archive.document(f"studies/{one}.json", ArchivedStudy) for one in manifest.studies
        }
        self._check_ids()
        with session_scope(how.engine) as session:
            self._placed = self._place_runs(session)
            self._places_of_studies = self._place_studies(session)
        self._urls = self._files_to_be()

    def run(self) -> ImportedArchive:
        for _, whole in self._new_runs():
            self._check_files(whole)
        with self._files_or_none(), self._how.begin() as session:
            try:
                self._add(session)
            except IntegrityError:
                raise Invalid("The archive contradicts itself: it has a thing twice.") from None
        self._write_logs()
        return self._said()

    def _run_of(self, run_id: str) -> ArchivedRun:
        return self._archive.document(f"runs/{run_id}/run.json", ArchivedRun)

    def _check_ids(self) -> None:
        found = {one: whole.run.id for one, whole in self._runs.items()}
        found |= {one: study.id for one, study in self._studies.items()}
        for name, said in found.items():
            if name != said:
                raise Invalid(f"{name} of the archive says that it is {said}.")
        for run_id, whole in self._runs.items():
            for one in whole.analyses:
                checked(f"runs/{run_id}/run.json", partial(REQUEST.validate_python, one.request))
        for study in self._studies.values():
            name = f"studies/{study.id}.json"
            checked(name, partial(StudyRequest.model_validate, study.request))
            checked(name, partial(_AXES.validate_python, study.axes))
            if unknown := {one.run_id for one in study.places} - self._runs.keys():
                raise Invalid(f"Study {study.id} names run {min(unknown)}, which is not there.")

    def _place_runs(self, session: Session) -> dict[str, Placed]:
        moments = {one: whole.run.created_at for one, whole in self._runs.items()}
        ids = {*moments, *(substitute(one, at) for one, at in moments.items())}
        known = db.known_runs(session, ids)
        placed = {one: place(one, at, known, "Run") for one, at in moments.items()}
        moved = {one for one, there in placed.items() if there.id != one}
        for run_id, whole in self._runs.items():
            if moved & donors_of(whole.run.read_config):
                raise Conflict(
                    f"Run {run_id} of the archive takes layers from {min(moved)}, whose id is "
                    "another run's here."
                )
        return placed

    def _place_studies(self, session: Session) -> dict[str, Placed]:
        moments = {one: study.created_at for one, study in self._studies.items()}
        ids = {*moments, *(substitute(one, at) for one, at in moments.items())}
        known = db.known_studies(session, ids)
        return {one: place(one, at, known, "Study") for one, at in moments.items()}

    def _new_runs(self) -> Iterator[tuple[str, ArchivedRun]]:
        for was, placed in self._placed.items():
            if placed.is_new:
                yield placed.id, self._runs[was]

    def _files_to_be(self) -> dict[str, str]:
        """Where each file of weights goes, by its SHA-256: with the oldest run that names it."""
        urls: dict[str, str] = {}
        oldest = sorted(self._new_runs(), key=lambda one: one[1].run.created_at)
        for run_id, whole in oldest:
            folder = f"{self._how.store_url.rstrip('/')}/{run_id}"
            for file in whole.checkpoints:
                urls.setdefault(file.sha256, f"{folder}/{file_name(file)}.safetensors")
            if point := whole.resume_point:
                urls.setdefault(point.sha256, f"{folder}/resume-{file_name(point)}.safetensors")
        return urls

    @contextmanager
    def _files_or_none(self) -> Iterator[None]:
        written: set[str] = set()
        try:
            for sha256, url in self._urls.items():
                content = self._archive.weights(sha256)
                written.add(url)
                self._write(url, content)
            yield
        except BaseException:
            # Their folders with them: they are of runs that nobody else has begun to write.
            folders = {f"{url.rpartition('/')[0]}/" for url in written}
            with session_scope(self._how.engine) as session:
                remove_files(folders, partial(lineage.still_named, session))
            raise

    @staticmethod
    def _write(url: str, content: bytes) -> None:
        try:
            write_file(url, content)
        except Exception as error:  # of whichever store it is: each has errors of its own
            raise Unavailable(f"The store of checkpoints cannot be written: {error}.") from error

    def _check_files(self, whole: ArchivedRun) -> None:
        for file in whole.files:
            if self._archive.size_of_weights(file.sha256) != file.size:
                said = f"The weights of run {whole.run.id} at {file.sequences} have another size."
                raise Invalid(said)

    def _add(self, session: Session) -> None:
        for run_id, whole in self._new_runs():
            session.add(run_row(run_id, whole))
        session.flush()
        for run_id, whole in self._new_runs():
            self._add_parent(session, run_id, whole)
            self._add_series(session, run_id, whole)
            self._add_analyses(session, run_id, whole)
            access.note(session, "imported a run", f"{whole.run.name} ({run_id})")
            publish_run(session, run_id)
        for was, placed in self._places_of_studies.items():
            if placed.is_new:
                self._add_study(session, placed.id, self._studies[was])

    def _add_parent(self, session: Session, run_id: str, whole: ArchivedRun) -> None:
        """The parent that came along, or that is here: the same run, and not one of its id."""
        parent = whole.parent
        if parent is None:
            return
        wanted = self._placed[parent.id].id if parent.id in self._placed else parent.id
        known = db.known_runs(session, [wanted]).get(wanted)
        if known is not None and known.created_at == parent.created_at:
            db.set_parent(session, run_id, wanted)

    def _add_series(self, session: Session, run_id: str, whole: ArchivedRun) -> None:
        was, config = whole.run.id, whole.run.read_config
        place = f"runs/{was}"
        measured = self._archive.lines(f"{place}/measurements.jsonl", ArchivedMeasurement)
        shown = self._archive.lines(f"{place}/frames.jsonl", ArchivedFrame)
        checked = in_order(measurement_row(one, config, was) for one in measured)
        frames = in_order(frame_row(one, config, was) for one in shown)
        for some in batches(checked, ROWS_AT_ONCE):
            db.add_rows(session, MeasurementRow, [{"run_id": run_id, **one} for one in some])
        for some in batches(frames, FRAMES_AT_ONCE):
            db.add_rows(session, Frame, [{"run_id": run_id, **one} for one in some])
        if whole.probe is not None:
            probe = [one.model_dump(mode="json") for one in whole.probe]
            session.add(Probe(run_id=run_id, sequences=probe))
        files = [{**dict(one), "url": self._urls[one.sha256]} for one in whole.checkpoints]
        db.add_rows(session, Checkpoint, [{"run_id": run_id, **one} for one in files])
        if point := whole.resume_point:
            session.add(ResumePoint(run_id=run_id, url=self._urls[point.sha256], **dict(point)))
        events = [{"run_id": run_id, **dict(one)} for one in whole.events]
        db.add_rows(session, RunEvent, events)
        if whole.run.state in TERMINAL:
            keep_extremes(session, [run_id])
        else:
            session.add(set_aside(run_id, whole))

    def _add_analyses(self, session: Session, run_id: str, whole: ArchivedRun) -> None:
        known = db.known_analyses(session, [one.id for one in whole.analyses])
        for one in whole.analyses:
            name = f"runs/{whole.run.id}/analysis-{one.id}.jsonl"
            analysis_id = substitute(one.id, one.created_at) if one.id in known else one.id
            session.add(analysis_row(analysis_id, run_id, one))
            session.flush()
            for some in batches(self._archive.lines(name, ArchivedPart), PARTS_AT_ONCE):
                parts = [{"analysis_id": analysis_id, **dict(part)} for part in some]
                db.add_rows(session, AnalysisPart, parts)

    def _add_study(self, session: Session, study_id: str, study: ArchivedStudy) -> None:
        said = study.model_dump(exclude={"id", "places"})
        session.add(Study(id=study_id, **said))
        session.flush()
        places = [
            {**dict(one), "study_id": study_id, "run_id": self._placed[one.run_id].id}
            for one in study.places
        ]
        db.add_rows(session, StudyRunRow, places)
        access.note(session, "imported a study", f"{study.name} ({study_id})")

    def _write_logs(self) -> None:
        """Logs are of use, and no truth: one that is here, or cannot be written, is left."""
        folder = log_folder(self._how.data_dir)
        for run_id, whole in self._new_runs():
            text, path = (
                self._archive.text(f"runs/{whole.run.id}/log.txt"),
                folder / f"{run_id}.log",
            )
            if text and not path.exists():
                try:
                    folder.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
                except OSError:
                    return

    def _said(self) -> ImportedArchive:
        return ImportedArchive(
            program=self._archive.manifest.program,
            runs=[
                _thing(placed, self._runs[was].run.name, _note(self._runs[was]))
                for was, placed in self._placed.items()
            ],
            studies=[
                _thing(placed, self._studies[was].name, "")
                for was, placed in self._places_of_studies.items()
            ],
        )


def _thing(placed: Placed, name: str, note: str) -> ImportedThing:
    return ImportedThing(
        id=placed.id,
        was=placed.was,
        name=name,
        is_new=placed.is_new,
        note=note if placed.is_new else "",
    )


def _note(whole: ArchivedRun) -> str:
    if whole.run.state in TERMINAL:
        return ""
    return f"It was {whole.run.state} and is set aside here: resume it to train it on."
