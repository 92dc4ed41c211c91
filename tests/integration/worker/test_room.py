"""A disk that fills up under a worker: said before it is full, and no run suffers from it."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from tests.integration.support.html import get
from tests.integration.support.recorded import events, places, row, state
from tests.integration.support.rows import new_run
from tests.integration.support.small_disk import MB, fill, small_disk
from tests.integration.support.worker_process import WorkerProcess, tiny

SIZE, FLOOR, FILLER = 64, 40, 30  # MB
LONG = tiny(training={"sequences": 32_000})


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", SIZE) as disk:
        yield disk


@pytest.fixture
def worker(settings, disk) -> Iterator[WorkerProcess]:
    on = {"store_url": disk.as_uri(), "least_free_mb": FLOOR}
    worker = WorkerProcess(settings.model_copy(update=on))
    yield worker
    worker.kill()


@pytest.mark.slow  # two trainers start, one after the other
def test_a_run_is_set_aside_before_the_disk_is_full_and_goes_on_when_there_is_room(
    worker, disk, client, engine, outbox
):
    """One worker for all of it: a trainer takes seconds to start."""

    def heard() -> dict:
        found = client.get("/api/v1/workers").json()["workers"]
        return found[0] if found else {}

    filler = fill(disk, FILLER)
    worker.start()
    worker.until(lambda: heard().get("trouble"), "trouble of an idle worker")
    run_id = new_run(engine, outbox, LONG)
    worker.until(lambda: "no run is taken" in worker.log.read_text(), "refusal")
    refused = heard()
    page = get(client, "/workers").one("div", id="workers-table").text
    attempt = row(engine, run_id).attempt
    filler.unlink()
    worker.until(lambda: row(engine, run_id).sequences > 2000, "progress")
    fill(disk, FILLER)
    worker.until(lambda: state(engine, run_id) == "queued", "run that is set aside")
    message = events(engine, run_id)[-1][1]
    place = row(engine, run_id).sequences
    # Waited for: the last beat may be of before the disk was filled.
    worker.until(lambda: 0 < heard()["disk_free"] < FLOOR * MB, "a beat that tells of it")
    filler.unlink()
    worker.until(lambda: state(engine, run_id) == "finished", "finished run")

    assert attempt == 0
    assert refused["trouble"].startswith(f"The disk of {disk} is nearly full: 3")
    assert "44 MB are needed; make room there." in refused["trouble"]
    assert f"cannot train {refused['trouble']}" in page
    assert "34 MB of 64 MB" in page
    assert 0 < place < LONG.training.sequences
    assert message.startswith("Set aside at ")
    assert message.endswith("40 MB are needed; make room there. It goes on by itself then.")
    assert row(engine, run_id).fruitless_attempts == 0
    # That one resumed is equal to an undisturbed one, bit for bit, is held where workers stop.
    measured = places(engine, run_id)
    assert {later - one for one, later in pairwise(measured)} <= {224, 256}
    assert (measured[0], measured[-1]) == (0, LONG.training.sequences)
