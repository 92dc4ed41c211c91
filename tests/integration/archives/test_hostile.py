"""Hostile archives: refused in a sentence, and nothing of them stays."""

import io

import pytest
from sqlalchemy import text

from app.errors import Invalid
from app.services.archives import container
from app.services.archives.container import Archive
from tests.integration.archives.elsewhere import counts
from tests.integration.archives.harmed import doubled, edited, first_line, flipped, rebuilt, zipped

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
