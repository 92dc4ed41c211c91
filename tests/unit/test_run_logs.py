"""What is shown of a run's log: the last lines, also of one that was trained with others."""

from pathlib import Path

import pytest

from app.db.models import Run
from app.services.runs.log_files import LONGEST_READ, log_folder, read_log, shared_line

A, B, C = "aaaaaaaaaa", "bbbbbbbbbb", "cccccccccc"


@pytest.fixture
def folder(tmp_path) -> Path:
    logs = log_folder(tmp_path)
    logs.mkdir(parents=True)
    return logs


def lines(data: Path, run_id: str, tail: int = 100) -> list[str]:
    return list(read_log(data, Run(id=run_id, attempt=1), tail).lines)


def begin(*run_ids: str, attempt: int = 1) -> str:
    said = "12:00:00 INFO 7 worker.trainer:"
    return "".join(f"{said} run {run_id}: attempt {attempt}\n" for run_id in run_ids)


def test_the_last_lines_are_those_asked_for(tmp_path, folder):
    (folder / f"{A}.log").write_text("one\ntwo\nthree\n")

    assert lines(tmp_path, A, tail=2) == ["two", "three"]


def test_of_a_long_log_the_end_is_read_in_whole_lines(tmp_path, folder):
    (folder / f"{A}.log").write_text("".join(f"line {n:06d}\n" for n in range(LONGEST_READ // 6)))

    found = lines(tmp_path, A, tail=10**6)

    assert found[-1] == f"line {LONGEST_READ // 6 - 1:06d}"
    assert 0 < len(found) * 12 <= LONGEST_READ
    assert {len(line) for line in found} == {11}


def test_a_run_trained_with_others_shows_its_trainers_part_of_their_log(tmp_path, folder):
    (folder / f"{B}.log").write_text("of an attempt before\n" + shared_line(2, folder / f"{A}.log"))
    (folder / f"{A}.log").write_text(
        f"{begin(A, C)}not of B\n"
        + begin(A)
        + f"{begin(B, attempt=2)}epoch of A and B\n"
        + f"{begin(A, attempt=3)}without B\n"
    )

    found = read_log(tmp_path, Run(id=B, attempt=2), 100)

    assert found.lines[0] == "of an attempt before"
    assert found.lines[-1] == "epoch of A and B"
    assert not {"not of B", "without B"} & {*found.lines}
    assert f"together with run {A}" in found.note


def test_once_it_was_trained_alone_again_its_own_lines_are_the_last(tmp_path, folder):
    shared = shared_line(1, folder / f"{A}.log")
    (folder / f"{B}.log").write_text(f"{shared}{begin(B, attempt=2)}alone\n")
    (folder / f"{A}.log").write_text("of A\n")

    assert lines(tmp_path, B)[-1] == "alone"
    assert "of A" not in lines(tmp_path, B)


def test_it_is_said_when_the_log_that_was_shared_is_gone(tmp_path, folder):
    (folder / f"{B}.log").write_text(shared_line(1, folder / f"{A}.log"))

    assert A in read_log(tmp_path, Run(id=B, attempt=1), 100).note


def test_nobody_is_led_out_of_the_folder(tmp_path, folder):
    (tmp_path / "secret.log").write_text("secret\n")
    (folder / f"{B}.log").write_text("attempt 1 is trained with others: see ../../secret.log\n")

    assert "secret" not in lines(tmp_path, B)


@pytest.mark.parametrize(
    ("run", "said"),
    [
        (Run(id=A, attempt=0), "begins with its training"),
        (Run(id=A, attempt=1, worker="lab-7"), f"lab-7, keeps it in logs/runs/{A}.log"),
    ],
)
def test_where_a_log_is_that_is_not_here_is_said(tmp_path, run, said):
    assert said in read_log(tmp_path, run, 100).note


def test_lines_are_plain_text_without_passwords(tmp_path, folder):
    (folder / f"{A}.log").write_bytes(
        b"\x1b[31mred\x00\n postgresql+psycopg://me:hidden@host/name is away\n\xff\n"
    )

    assert lines(tmp_path, A) == [
        "[31mred",
        " postgresql+psycopg://me:***@host/name is away",
        "\N{REPLACEMENT CHARACTER}",
    ]
