"""The record of an attempt: fenced, in order, and the same when it is written twice."""

from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import event, text

from app.config import Settings
from app.db import claims, lineage, recording
from app.db.claims import Claim
from app.db.recording import StoredFile, StoredFrame
from app.schemas.config import RunConfig
from app.schemas.measure import Measurement, PhaseChange
from app.schemas.state import RunState
from app.services.runs import attempts
from app.services.runs.creation import create_run
from app.services.runs.lifecycle import request_cancel, request_pause, resume, run_or_error
from app.services.runs.outbox import transaction
from tests.integration.support.locks import lose_the_answer
from tests.integration.support.recorded import places
from tests.integration.support.wait import until
from tests.integration.support.worker_process import tiny
from worker.recording.entries import Beginning, Ending, Line, Measured, RecordEntry, Snapshot
from worker.recording.flush import Files, FlushWriter
from worker.recording.recorder import Recorder, StaleAttemptError
from worker.recording.store import Store

BEGINNING = RecordEntry(
    beginning=Beginning("CPU", {"torch": "2"}, (), "Training on CPU.", ("Slow.",))
)


class Pen:
    """A recorder for an attempt at one run."""

    def __init__(self, recorder: Recorder, run_id: str) -> None:
        self._recorder, self._run_id = recorder, run_id

    @property
    def has_failed(self) -> bool:
        return self._recorder.has_failed

    def record(self, entry: RecordEntry) -> None:
        self._recorder.record(self._run_id, entry)

    def moves(self) -> None:
        self._recorder.moves()

    def finish(self, ending: Ending, *, resume: Snapshot | None = None) -> None:
        self._recorder.end(self._run_id, ending, resume=resume)
        self._recorder.finish()


@pytest.fixture
def claimed(engine, outbox):
    """A run, and the function that claims it: the attempt's number or None."""
    with transaction(engine, outbox) as session:
        run_id = create_run(session, tiny()).id

    def claim() -> int | None:
        with transaction(engine, outbox) as session:
            taken = attempts.claim(session, [run_id], worker="test", lease_seconds=10)
            return taken[0].attempt if taken else None

    return run_id, claim


@pytest.fixture
def record(settings, engine, outbox, claimed):
    """A recorder for an attempt at the run."""

    def record(attempt: int, settings: Settings = settings) -> Pen:
        claim = Claim(claimed[0], attempt)
        return Pen(Recorder(engine, outbox, settings, [claim]), claimed[0])

    return record


@pytest.fixture
def lose(engine, outbox, claimed):
    def lose() -> None:
        with transaction(engine, outbox) as session:
            attempts.lose(session, run_or_error(session, claimed[0]), "It went silent.")

    return lose


def entry(sequences: int, **phase: float) -> RecordEntry:
    four, heads = (0.5,) * 4, ((0.1, 0.2), (0.3, 0.4))
    measurement = Measurement(
        sequences=sequences,
        elapsed_seconds=1.0,
        loss=four,
        accuracy=four,
        in_context_accuracy=four,
        correct_probability=four,
        context_probability=four,
        induction_strength=heads,
        previous_token_strength=heads,
    )
    weights = Snapshot(sequences, 1.0, {"embed": np.full(4, sequences, np.float32)})
    return RecordEntry(
        measured=Measured(measurement, datetime.now(UTC), PhaseChange(**phase)),
        frame=StoredFrame(b"\0" * 16, b"\0" * 4),
        weights=weights,
        resume=weights,
    )


def record_on(recorder: Pen) -> None:
    """Hands entries over until that is refused."""
    for sequences in range(32, 32_000_000, 32):
        recorder.record(entry(sequences))


def kinds(engine, run_id: str) -> list[str]:
    query = text("SELECT kind FROM run_event WHERE run_id = :id ORDER BY id")
    with engine.connect() as connection:
        return list(connection.execute(query, {"id": run_id}).scalars())


def test_of_two_claims_one_gets_the_run(claimed):
    _, claim = claimed

    assert [claim(), claim()] == [1, None]


def test_what_an_attempt_writes_after_another_has_taken_over_is_refused(
    claimed, record, lose, engine
):
    run_id, claim = claimed
    stale = record(claim())
    stale.record(BEGINNING)
    stale.record(entry(0))
    lose()
    assert claim() == 2

    with pytest.raises(StaleAttemptError):
        record_on(stale)

    current = record(2)
    current.record(BEGINNING)
    current.record(entry(32))
    current.finish(Ending(RunState.FINISHED))
    assert places(engine, run_id) in ([32], [0, 32])
    assert kinds(engine, run_id)[-1] == "finished"


def test_a_flush_whose_commit_was_unclear_doubles_nothing(claimed, engine, outbox):
    run_id, claim = claimed
    held = Claim(run_id, claim())
    writer, entries = FlushWriter([held]), [BEGINNING, entry(0), entry(32, onset=20.0)]

    for _ in range(2):
        with transaction(engine, outbox) as session:
            standings = claims.hold_all(session, [held])
            writer.write(session, standings, [Line(run_id, one) for one in entries], Files())

    assert places(engine, run_id) == [0, 32]
    assert kinds(engine, run_id) == ["queued", "starting", "notice", "running", "phase_change"]


MATCH = {"kind": "set_pattern", "target": "induction", "site": "L1.pattern[query]"}


def test_a_measurement_that_is_handed_over_twice_at_once_is_written_once(claimed, engine, outbox):
    """As the first one is, when there is nothing to compile after it."""
    run_id, claim = claimed
    held = Claim(run_id, claim())
    lines = [Line(run_id, one) for one in (entry(0), BEGINNING, entry(0), entry(32))]

    with transaction(engine, outbox) as session:
        FlushWriter([held]).write(session, claims.hold_all(session, [held]), lines, Files())

    assert places(engine, run_id) == [0, 32]


@pytest.fixture
def flushed(engine, outbox):
    """Flushes entries of a run of this config, each by itself; what it was said then."""

    def flushed(config: RunConfig, *entries: RecordEntry) -> list[tuple[str, str, int | None]]:
        with transaction(engine, outbox) as session:
            run_id = create_run(session, config).id
        with transaction(engine, outbox) as session:
            taken = attempts.claim(session, [run_id], worker="test", lease_seconds=10)
        writer = FlushWriter(taken)
        for one in (BEGINNING, *entries):
            with transaction(engine, outbox) as session:
                writer.write(session, claims.hold_all(session, taken), [Line(run_id, one)], Files())
        query = text(
            "SELECT kind, message, sequences FROM run_event"
            " WHERE run_id = :id AND kind IN ('phase_change', 'phase_reversed', 'light')"
            " ORDER BY id"
        )
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query, {"id": run_id})]

    return flushed


def test_a_phase_change_is_told_as_well_as_the_measurements_know_it(flushed):
    told = flushed(
        tiny(),
        entry(0),
        entry(32, onset=20.0),
        entry(64, onset=20.0, midpoint=40.0),
        entry(96, onset=20.0, midpoint=40.0, reversal=96.0),
        entry(128, onset=20.0, midpoint=40.0, reversal=96.0),
        entry(160, onset=100.0, midpoint=150.0),
    )

    assert told == [
        ("phase_change", "Phase change: onset between 0 and 32 sequences.", 20),
        ("phase_change", "Phase change: midpoint between 32 and 64 sequences.", 40),
        ("phase_reversed", "Phase change reversed: the loss is back above where it set in.", 96),
        ("phase_change", "Phase change: onset between 96 and 128 sequences.", 100),
        ("phase_change", "Phase change: midpoint between 128 and 160 sequences.", 150),
    ]


def test_a_start_tells_what_it_is_at_until_it_trains(engine, outbox, claimed):
    run_id, claim = claimed
    held = Claim(run_id, claim())
    writer = FlushWriter([held])

    def stage_after(*entries: RecordEntry) -> str | None:
        with transaction(engine, outbox) as session:
            lines = [Line(run_id, one) for one in entries]
            writer.write(session, claims.hold_all(session, [held]), lines, Files())
        with engine.connect() as connection:
            query = text("SELECT stage FROM run WHERE id = :id")
            return connection.execute(query, {"id": run_id}).scalar_one()

    assert stage_after(RecordEntry(stage="loads its data")) == "loads its data"
    assert stage_after(RecordEntry(stage="compiles")) == "compiles"
    assert stage_after(RecordEntry(stage="late"), BEGINNING) is None
    assert stage_after(RecordEntry(stage="never said"), entry(0)) is None
    assert "running" in kinds(engine, run_id)


def test_a_light_that_goes_on_or_off_is_told_where_it_does(flushed):
    program = [{**MATCH, "from_sequences": 32, "until_sequences": 90}]
    config = RunConfig.model_validate({**tiny().model_dump(), "program": program})

    told = flushed(config, *(entry(place) for place in (0, 32, 64, 96, 128)))

    what = "induction pattern, layer 2: the attention pattern at the query."
    assert told == [("light", f"Clamp on: {what}", 32), ("light", f"Clamp off: {what}", 90)]


def test_a_flush_takes_as_many_statements_for_eight_runs_as_for_one(engine, outbox):
    def statements(count: int) -> list[str]:
        with transaction(engine, outbox) as session:
            ids = [create_run(session, tiny()).id for _ in range(count)]
        with transaction(engine, outbox) as session:
            taken = attempts.claim(session, ids, worker="test", lease_seconds=10)
        lines = [Line(one, entry(place)) for place in (0, 32) for one in ids]
        files = {one: [StoredFile(0, f"file:///{one.run_id}", 1, "0")] for one in taken}
        points = {one: of[0] for one, of in files.items()}
        writer, said = FlushWriter(taken), []
        writer.committed(lines)  # else the place before is asked for, once a run

        def hear(_connection, _cursor, statement: str, *_rest) -> None:
            said.append(statement)

        event.listen(engine, "before_cursor_execute", hear)
        with transaction(engine, outbox) as session:
            standings = claims.hold_all(session, taken)
            claims.renew(session, list(standings), 10)
            writer.write(session, standings, lines, Files(files, points))
        event.remove(engine, "before_cursor_execute", hear)
        return said

    one, eight = statements(1), statements(8)

    assert [text.split(" (")[0] for text in one] == [text.split(" (")[0] for text in eight]
    for table, rows in (("measurement", 16), ("frame", 16), ("checkpoint", 8)):
        (insert,) = (text for text in eight if text.startswith(f"INSERT INTO {table} "))
        assert f"run_id__{rows - 1})" in insert


def test_a_resume_point_replaces_the_one_before_and_its_file(claimed, record, settings, engine):
    run_id, claim = claimed
    recorder = record(claim())
    recorder.record(BEGINNING)
    for sequences in (0, 32, 64):
        recorder.record(entry(sequences))
    recorder.finish(Ending(RunState.QUEUED, "Its worker shuts down."), resume=entry(96).resume)

    assert places(engine, run_id, "resume_point") == [96]
    files = [path.name for path in (settings.data_dir / "checkpoints" / run_id).iterdir()]
    weights = [f"{sequences:011d}-1.safetensors" for sequences in (0, 32, 64)]
    assert sorted(files) == [*weights, "resume-00000000096-1.safetensors"]
    assert places(engine, run_id, "checkpoint") == [0, 32, 64]


def folder(settings, run_id: str) -> list[str]:
    return sorted(path.name for path in (settings.data_dir / "checkpoints" / run_id).iterdir())


def test_a_resume_point_is_replaced_with_its_file_although_the_answer_to_that_was_lost(
    claimed, record, settings, engine
):
    run_id, claim = claimed
    recorder = record(claim())
    recorder.record(BEGINNING)
    recorder.record(entry(0))
    until(lambda: places(engine, run_id, "resume_point") == [0])
    lose_the_answer(to=lambda: places(engine, run_id, "resume_point") == [32])
    recorder.record(entry(32))
    until(lambda: places(engine, run_id, "resume_point") == [32])
    recorder.finish(Ending(RunState.LOST, "It crashed."))

    resume = [name for name in folder(settings, run_id) if name.startswith("resume")]
    assert resume == ["resume-00000000032-1.safetensors"]


def test_what_a_resumed_attempt_saves_once_more_is_kept_once(
    claimed, record, lose, settings, engine
):
    run_id, claim = claimed
    for _ in range(2):
        recorder = record(claim())
        recorder.record(BEGINNING)
        recorder.record(entry(0))
        recorder.finish(Ending(RunState.LOST, "It crashed."))

    assert folder(settings, run_id) == [
        "00000000000-1.safetensors",
        "resume-00000000000-2.safetensors",
    ]


def test_other_weights_at_the_same_place_replace_those_before_unless_a_fork_names_them(
    claimed, engine, outbox
):
    run_id, claim = claimed
    held = Claim(run_id, claim())
    with transaction(engine, outbox) as session:
        fork = Claim(create_run(session, tiny()).id, 1)

    def save(claim: Claim, name: str) -> set[str]:
        with transaction(engine, outbox) as session:
            file = StoredFile(32, f"file:///{name}", 1, name)
            replaced = recording.add_checkpoints(session, {claim: [file]})
            return replaced - lineage.still_named(session, replaced)

    assert save(held, "one") == set()
    assert save(held, "other") == {"file:///one"}
    assert save(fork, "other") == set()
    assert save(held, "third") == set()


def test_a_stale_attempt_harms_no_file_of_its_successor(claimed, settings):
    store = Store(settings.checkpoint_url, claimed[0])
    current = store.save_checkpoint(2, 32, {"embed": np.ones(4, np.float32)})

    store.save_checkpoint(1, 32, {"embed": np.zeros(4, np.float32)})

    assert store.load(current)[0]["embed"].tolist() == [1.0] * 4


def test_a_new_measurement_clears_the_count_of_fruitless_attempts(claimed, record, lose, engine):
    run_id, claim = claimed
    for sequences in (0, 32, 64, 96):
        recorder = record(claim())
        recorder.record(BEGINNING)
        recorder.record(entry(sequences))
        recorder.finish(Ending(RunState.LOST, "The trainer crashed."))

    assert kinds(engine, run_id).count("lost") == 4


def test_the_lease_of_a_training_that_stands_still_ends_though_its_recorder_lives(
    claimed, record, settings, engine
):
    run_id, claim = claimed
    impatient = settings.model_copy(update={"lease_seconds": 0.5, "stall_seconds": 0.2})
    recorder = record(claim(), impatient)

    recorder.moves()
    until(lambda: not is_leased(engine, run_id))
    recorder.moves()
    until(lambda: is_leased(engine, run_id))

    recorder.finish(Ending(RunState.LOST, "It crashed."))


def is_leased(engine, run_id: str) -> bool:
    query = text("SELECT lease_until > clock_timestamp() FROM run WHERE id = :id")
    with engine.connect() as connection:
        return bool(connection.execute(query, {"id": run_id}).scalar_one())


def test_a_cancelled_run_is_not_given_back(claimed, record, engine, outbox):
    run_id, claim = claimed
    recorder = record(claim())
    recorder.record(BEGINNING)
    with transaction(engine, outbox) as session:
        request_cancel(session, run_or_error(session, run_id))

    recorder.finish(Ending(RunState.QUEUED, "Its worker shuts down."))

    assert kinds(engine, run_id)[-1] == "cancelled"


@pytest.mark.parametrize(
    ("asked", "ends"), [([request_pause], "paused"), ([request_pause, resume], "queued")]
)
def test_a_run_that_is_resumed_while_it_saves_waits_for_a_worker(
    claimed, record, engine, outbox, asked, ends
):
    run_id, claim = claimed
    recorder = record(claim())
    recorder.record(BEGINNING)
    recorder.record(entry(0))
    until(lambda: places(engine, run_id))
    for ask in asked:
        with transaction(engine, outbox) as session:
            ask(session, run_or_error(session, run_id))

    recorder.finish(Ending(RunState.PAUSED, "Paused at 32 sequences."), resume=entry(32).resume)

    assert kinds(engine, run_id)[-1] == ends
    assert places(engine, run_id, "resume_point") == [32]


def test_a_run_that_was_to_pause_is_paused_when_its_trainer_dies(
    claimed, record, lose, engine, outbox
):
    run_id, claim = claimed
    recorder = record(claim())
    recorder.record(BEGINNING)
    until(lambda: kinds(engine, run_id)[-1] == "running")
    with transaction(engine, outbox) as session:
        request_pause(session, run_or_error(session, run_id))
    lose()

    with pytest.raises(StaleAttemptError):
        record_on(recorder)
    assert kinds(engine, run_id)[-2:] == ["pausing", "paused"]


def test_a_store_that_cannot_be_written_ends_the_record_with_its_reason(
    claimed, record, settings, tmp_path
):
    _, claim = claimed
    (tmp_path / "store").write_text("a file where a directory should be")
    store_url = (tmp_path / "store").as_uri()
    recorder = record(claim(), settings.model_copy(update={"store_url": store_url}))

    with pytest.raises(OSError, match="store"):
        record_on(recorder)

    assert recorder.has_failed
