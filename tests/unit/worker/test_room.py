"""Which disk is looked at, and from when on there is too little room on it."""

import shutil

import pytest

from app.config import Settings
from worker.room import MB, fullest_disk, lack_of_room


@pytest.fixture
def on(tmp_path):
    """Settings whose floor is some share of what is free."""

    def on(share: float, **others: object) -> Settings:
        free_mb = shutil.disk_usage(tmp_path).free / MB
        addresses = {"database_url": "postgresql://u@h/n", "redis_url": "redis://h"}
        floor = {"data_dir": tmp_path / "not yet there", "least_free_mb": int(share * free_mb)}
        return Settings.model_validate({**addresses, **floor, **others})

    return on


def test_a_folder_that_is_not_there_yet_is_on_the_disk_that_it_will_be_on(on, tmp_path):
    disk = fullest_disk(on(0))

    assert disk.folder.is_relative_to(tmp_path)
    assert disk.size == shutil.disk_usage(tmp_path).total


def test_a_store_elsewhere_has_no_disk_of_ours(on, tmp_path):
    assert fullest_disk(on(0, store_url="s3://bucket/x")).folder == tmp_path / "not yet there"


@pytest.mark.parametrize(
    ("share", "goes_on", "begins"), [(0.5, True, True), (0.95, True, False), (1.5, False, False)]
)
def test_to_begin_takes_more_room_than_to_go_on(on, share, goes_on, begins):
    settings = on(share)

    assert (lack_of_room(settings) == "") is goes_on
    assert (lack_of_room(settings, to_begin=True) == "") is begins


def test_it_is_said_where_how_much_is_free_and_how_much_must_be(on, tmp_path):
    said = lack_of_room(on(1.5, store_url="s3://bucket/x"))

    assert said.startswith(f"The disk of {tmp_path / 'not yet there'} is nearly full: ")
    assert said.endswith(" MB are needed; make room there.")
