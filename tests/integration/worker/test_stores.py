"""The checkpoint store: the same on a disk and on a real S3 server, from trainer to page."""

import hashlib
import os
from collections.abc import Iterator

import fsspec
import numpy as np
import pytest

from app.config import Settings
from app.main import create_app
from tests.integration.support.recorded import numbers, places, state
from tests.integration.support.rows import new_run
from tests.integration.support.s3 import BUCKET, s3_server
from tests.integration.support.web_server import WebServer, serving
from tests.integration.support.worker_process import WorkerProcess, tiny
from worker.recording.store import DamagedFileError, Store, StoreAwayError

RUNS = "/api/v1/runs"
SHORT = tiny(training={"sequences": 3200}, recording={"checkpoint_every": 500, "frame_every": 500})
WEIGHTS = {"embed": np.arange(12, dtype=np.float32).reshape(3, 4)}


@pytest.fixture(scope="module")
def s3(tmp_path_factory) -> Iterator[str]:
    """Where the bucket is, with what every process needs to reach it in the environment."""
    with (
        s3_server(tmp_path_factory.mktemp("s3") / "log") as url,
        pytest.MonkeyPatch.context() as to,
    ):
        to.setenv("AWS_ENDPOINT_URL", url)
        to.setenv("AWS_ACCESS_KEY_ID", "test")
        to.setenv("AWS_SECRET_ACCESS_KEY", "test")
        to.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield f"s3://{BUCKET}/checkpoints"
        fsspec.get_filesystem_class("s3").clear_instance_cache()


@pytest.fixture(params=["a folder", "s3"])
def stored(request, settings, tmp_path) -> Settings:
    """Settings with a store of each kind."""
    url = request.getfixturevalue("s3") if request.param == "s3" else tmp_path.as_uri()
    data = tmp_path / "data"
    data.mkdir()
    return settings.model_copy(update={"store_url": url, "data_dir": data})


@pytest.fixture
def server(stored) -> Iterator[WebServer]:
    with serving(create_app(stored)) as server:
        yield server


def objects(settings: Settings, run_id: str) -> list[str]:
    """All that is stored of a run."""
    files, path = fsspec.url_to_fs(f"{settings.store_url}/{run_id}", use_listings_cache=False)
    return sorted(files.find(path))


def test_files_come_back_and_go(stored):
    store = Store(stored.store_url, "run1")
    first, second = (store.save_checkpoint(1, at, WEIGHTS) for at in (0, 32))

    assert np.array_equal(store.load(first)[0]["embed"], WEIGHTS["embed"])
    store.remove(first.url)
    store.remove(first.url)
    with pytest.raises(DamagedFileError, match="is missing"):
        store.load(first)
    assert np.array_equal(store.load(second)[0]["embed"], WEIGHTS["embed"])
    assert len(objects(stored, "run1")) == 1


def test_a_run_is_trained_resumed_forked_downloaded_and_deleted_without_a_trace(
    stored, client, engine, outbox
):
    worker = WorkerProcess(stored)
    worker.start()
    try:
        run_id = new_run(engine, outbox, SHORT)
        worker.until(lambda: state(engine, run_id) == "finished", "finished run")
        place = places(engine, run_id, "checkpoint")[3]
        fork = client.post(f"{RUNS}/{run_id}/fork", json={"sequences": place}).json()["id"]
        worker.until(lambda: state(engine, fork) == "finished", "finished fork")
    finally:
        worker.kill()

    assert numbers(engine, fork) == numbers(engine, run_id)
    (one,) = (
        one
        for one in client.get(f"{RUNS}/{run_id}/checkpoints").json()["checkpoints"]
        if one["sequences"] == place
    )
    content = client.get(one["url"]).content
    assert hashlib.sha256(content).hexdigest() == one["sha256"]
    assert client.delete(f"{RUNS}/{run_id}", params={"now": True}).status_code == 204
    assert client.get(f"{RUNS}/{fork}/checkpoints/{place}/file").status_code == 200
    assert client.delete(f"{RUNS}/{fork}", params={"now": True}).status_code == 204
    assert objects(stored, run_id) == objects(stored, fork) == []


def test_a_server_that_does_not_answer_is_no_damaged_file(s3):
    store = Store(s3, "run1")
    file = store.save_checkpoint(1, 0, WEIGHTS)
    with pytest.MonkeyPatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        away.setenv("AWS_MAX_ATTEMPTS", "1")
        fsspec.get_filesystem_class("s3").clear_instance_cache()

        with pytest.raises(StoreAwayError, match="cannot be read at present"):
            store.load(file)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    assert os.environ["AWS_ENDPOINT_URL"] != "http://127.0.0.1:1"
