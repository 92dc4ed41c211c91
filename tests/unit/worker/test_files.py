"""Removing files of a store: what a row says is no reason to remove anything else."""

from pathlib import Path

import pytest

from app.services.series.files import is_removable, remove_files

RUN = "8kq2m4x7vd"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "/",
        "file://",
        "file:///",
        "file:///etc/",
        "README.md",
        "file:///one",
        "s3://bucket/",
        f"/{RUN}/",
        f"file:///x/{RUN}/../notes.txt",
        f"file:///x/{RUN}",
        "file:///x/run/a.safetensors",
    ],
)
def test_nothing_but_weights_and_folders_of_runs_may_go(url):
    assert not is_removable(url)


def test_of_a_runs_folder_go_the_weights_that_no_row_names(tmp_path: Path):
    folder = tmp_path / RUN
    folder.mkdir()
    for name in ("0-1.safetensors", "32-1.safetensors", "64-1.4711.tmp", "notes.txt"):
        (folder / name).write_bytes(b"x")
    kept = f"{folder.as_uri()}/32-1.safetensors"

    gone = remove_files({f"{folder.as_uri()}/", tmp_path.as_uri() + "/"}, lambda _: {kept})

    assert gone == {f"{folder.as_uri()}/"}
    assert sorted(path.name for path in folder.iterdir()) == ["32-1.safetensors", "notes.txt"]


def test_an_empty_folder_goes_too(tmp_path: Path):
    folder = tmp_path / RUN
    folder.mkdir()
    (folder / "0-1.safetensors").write_bytes(b"x")

    remove_files({f"{folder.as_uri()}/"}, lambda _: set())

    assert not folder.exists()
