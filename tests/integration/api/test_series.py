"""REST: measurements, heads, frames, probes and checkpoints."""

import csv
import hashlib
import io
import math
from array import array

import numpy
import pytest

from app.db.recording import StoredFile
from app.schemas.state import RunState
from tests.integration.support.rows import (
    add,
    add_checkpoint,
    add_frame,
    add_probe,
    measurement,
    moved,
    new_run,
)

RUNS = "/api/v1/runs"


@pytest.fixture
def run_id(engine, outbox) -> str:
    return new_run(engine, outbox)


def _measurements(client, run_id, **query):
    return client.get(f"{RUNS}/{run_id}/measurements", params=query)


def test_measurements_are_columns_of_the_asked_series(client, engine, run_id):
    add(engine, run_id, measurement(0), measurement(32, loss=0.5, strength=0.3))

    body = _measurements(client, run_id, series="loss.train,induction_strength.L1H1").json()

    assert body["sequences"] == [0, 32]
    assert body["series"] == {
        "loss.train": [0.7, 0.5],
        "induction_strength.L1H1": [pytest.approx(0.13), pytest.approx(0.33)],
    }
    assert body["computed_at"][0] == "2026-01-02T12:00:00Z"
    assert body["thinning"] == {"rule": "none", "bucket_sequences": None, "points": 2, "of": 2}
    assert body["next_after"] == 32


def test_losses_are_what_is_read_when_nothing_is_asked(client, engine, run_id):
    add(engine, run_id, measurement(0))

    series = _measurements(client, run_id).json()["series"]

    assert series == {
        "loss.train": [0.7],
        "loss.new_label_pairs": [0.71],
        "loss.new_exemplars": [0.72],
        "loss.new_classes": [0.73],
    }


def test_stars_stand_for_anything(client, engine, run_id):
    add(engine, run_id, measurement(0))

    def names(pattern):
        return list(_measurements(client, run_id, series=pattern).json()["series"])

    assert names("*.train") == [
        f"{metric}.train"
        for metric in (
            "loss",
            "accuracy",
            "in_context_accuracy",
            "correct_probability",
            "context_probability",
        )
    ]
    assert names("induction_strength.L0*") == [
        "induction_strength.L0H0",
        "induction_strength.L0H1",
    ]
    assert len(names("*")) == 5 * 4 + 2 * 2 * 2


@pytest.mark.parametrize("name", ["loss.trian", "induction_strength.L2H0", "loss", "lossXtrain"])
def test_unknown_series_are_refused_with_those_that_exist(client, run_id, name):
    answer = _measurements(client, run_id, series=name)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == "query/series"
    assert "loss.*" in answer.json()["detail"]
    assert "L0H0 to L1H1" in answer.json()["detail"]


def test_after_continues_where_the_last_answer_ended(client, engine, run_id):
    add(engine, run_id, measurement(0), measurement(32))
    after = _measurements(client, run_id).json()["next_after"]
    add(engine, run_id, measurement(64))

    more = _measurements(client, run_id, after=after).json()

    assert more["sequences"] == [64]
    assert _measurements(client, run_id, after=64).json()["sequences"] == []
    assert _measurements(client, run_id, after=64).json()["next_after"] == 64


def test_from_and_to_cut_a_range_with_its_ends(client, engine, run_id):
    add(engine, run_id, *(measurement(32 * n) for n in range(5)))

    assert _measurements(client, run_id, **{"from": 32, "to": 96}).json()["sequences"] == [
        32,
        64,
        96,
    ]


def test_long_series_are_thinned_without_losing_a_spike(client, engine, run_id):
    rows = [measurement(10 * n, loss=9.0 if n == 555 else 0.7) for n in range(1000)]
    add(engine, run_id, *rows)

    body = _measurements(client, run_id, max_points=100, series="loss.train").json()

    assert body["thinning"]["rule"] == "min/max/last per bucket"
    assert body["thinning"]["of"] == 1000
    assert body["thinning"]["points"] == len(body["sequences"]) <= 100
    assert 5550 in body["sequences"]
    assert max(body["series"]["loss.train"]) == 9.0
    assert body["sequences"][-1] == body["next_after"] == 9990
    assert body == _measurements(client, run_id, max_points=100, series="loss.train").json()


def test_numbers_that_are_not_finite_are_null_and_named(client, engine, run_id):
    add(engine, run_id, measurement(0), measurement(32, loss=math.nan))
    add(engine, run_id, measurement(64, loss=math.inf), measurement(96, loss=-math.inf))

    body = _measurements(client, run_id, series="loss.train").json()

    assert body["series"]["loss.train"] == [0.7, None, None, None]
    assert [(one["sequences"], one["value"]) for one in body["nonfinite"]] == [
        (32, "nan"),
        (64, "inf"),
        (96, "-inf"),
    ]


@pytest.mark.parametrize("query", [{"max_points": 1}, {"after": "x"}, {"from": -1}])
def test_wrong_ranges_are_refused_at_their_parameter(client, run_id, query):
    answer = _measurements(client, run_id, **query)

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == f"query/{next(iter(query))}"


def test_csv_holds_every_measurement_with_units_in_its_header(client, engine, run_id):
    rows = [measurement(10 * n, loss=math.nan if n == 7 else 0.7) for n in range(1500)]
    add(engine, run_id, *rows)

    answer = client.get(f"{RUNS}/{run_id}/measurements.csv")

    assert answer.headers["Content-Type"].startswith("text/csv")
    table = list(csv.DictReader(answer.text.splitlines()))
    assert [int(line["sequences"]) for line in table] == [10 * n for n in range(1500)]
    assert float(table[3]["loss.train_nats"]) == 0.7
    assert table[7]["loss.train_nats"] == "nan"
    assert table[3]["elapsed_seconds"] == "0.03"
    assert table[0]["computed_at_utc"] == "2026-01-02T12:00:00+00:00"
    assert len(table[0]) == 3 + 28


def test_csv_is_also_given_to_who_accepts_it(client, engine, run_id):
    add(engine, run_id, measurement(0))

    answer = client.get(
        f"{RUNS}/{run_id}/measurements",
        params={"series": "loss.train"},
        headers={"Accept": "text/csv"},
    )

    assert answer.text == (
        "sequences,computed_at_utc,elapsed_seconds,loss.train_nats\n"
        "0,2026-01-02T12:00:00+00:00,0.0,0.7\n"
    )


def test_csv_of_an_unknown_series_is_refused_before_it_begins(client, run_id):
    answer = client.get(f"{RUNS}/{run_id}/measurements.csv", params={"series": "zap"})

    assert answer.status_code == 422


def test_heads_are_time_by_layer_by_head_and_end_with_the_latest(client, engine, run_id):
    add(engine, run_id, measurement(0), measurement(32, strength=math.nan))
    add(engine, run_id, measurement(64, strength=0.5))

    body = client.get(f"{RUNS}/{run_id}/heads").json()

    assert body["sequences"] == [0, 32, 64]
    assert body["induction_strength"][-1] == [
        [0.5, 0.51],
        [0.52, 0.53],
    ]
    assert body["previous_token_strength"][1] == [[None, None], [None, None]]


def test_frames_are_listed_and_read_at_or_before_a_place(client, engine, outbox, run_id):
    add(engine, run_id, measurement(0), measurement(64))
    add_frame(engine, outbox, run_id, 0)
    add_frame(engine, outbox, run_id, 64, probes=2)

    listed = client.get(f"{RUNS}/{run_id}/frames").json()
    between = client.get(f"{RUNS}/{run_id}/frames", params={"sequences": 63})
    exact = client.get(f"{RUNS}/{run_id}/frames", params={"sequences": 64})

    assert listed["sequences"] == [0, 64]
    assert between.json()["sequences"] == 0
    assert between.headers["Cache-Control"] == "no-cache"
    assert exact.headers["Cache-Control"] == "no-cache", "another attempt may write it again"
    patterns = exact.json()["patterns"]
    # layer 1, head 0, probe 1, query 2, key 3 of [2, 2, 2, 5, 5]
    assert patterns[1][0][1][2][3] == pytest.approx((100 + 25 + 13) / 1000)
    again = {"If-None-Match": exact.headers["ETag"]}
    assert (
        client.get(f"{RUNS}/{run_id}/frames", params={"sequences": 64}, headers=again).status_code
        == 304
    )


def test_frames_of_a_run_that_has_ended_are_kept_for_ever(client, engine, outbox, run_id):
    add(engine, run_id, measurement(0))
    add_frame(engine, outbox, run_id, 0)
    moved(engine, outbox, run_id, RunState.STARTING, RunState.FAILED)

    exact, between = (
        client.get(f"{RUNS}/{run_id}/frames", params={"sequences": place}) for place in (0, 63)
    )

    assert "immutable" in exact.headers["Cache-Control"]
    assert between.headers["Cache-Control"] == "no-cache"


def test_a_frame_brings_the_strengths_there_and_how_the_heads_compose(
    client, engine, outbox, run_id
):
    scores = array("f", [n / 100 for n in range(3 * 2 * 2)])  # readings, later and earlier heads
    scores[5] = math.nan
    add(engine, run_id, measurement(0, strength=0.25), measurement(64, strength=0.5))
    add_frame(engine, outbox, run_id, 0)
    add_frame(engine, outbox, run_id, 64, composition=scores.tobytes())

    def read(place):
        return client.get(f"{RUNS}/{run_id}/frames", params={"sequences": place}).json()

    before, frame = read(0), read(64)
    assert before["composition"] is None, "it is from before composition was recorded"
    assert before["induction_strength"] == [[0.25, 0.26], [0.27, 0.28]]
    assert frame["previous_token_strength"][0][0] == 0.5
    composition = frame["composition"]
    assert composition["chance"] == pytest.approx(1 / math.sqrt(16))
    assert composition["q"] == [[[], []], [[[0.0, 0.01]], [[0.02, 0.03]]]]
    assert composition["k"][1] == [[[0.04, None]], [[0.06, 0.07]]]
    assert composition["v"][1][1][0][1] == pytest.approx(0.11)


def test_before_the_first_frame_there_is_none(client, run_id):
    answer = client.get(f"{RUNS}/{run_id}/frames", params={"sequences": 5})

    assert answer.status_code == 404
    assert "no frame at or before 5 sequences" in answer.json()["detail"]


def test_probe_is_what_the_trainer_wrote(client, engine, run_id):
    assert client.get(f"{RUNS}/{run_id}/probe").status_code == 404

    sequence = add_probe(engine, run_id)

    body = client.get(f"{RUNS}/{run_id}/probe").json()
    assert body["sequences"] == [sequence.model_dump(mode="json")]


def test_checkpoints_are_listed_and_downloaded(client, engine, run_id, tmp_path):
    path = tmp_path / "weights %.safetensors"
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    add_checkpoint(engine, run_id, StoredFile(32, path.as_uri(), 7, digest))

    [checkpoint] = client.get(f"{RUNS}/{run_id}/checkpoints").json()["checkpoints"]
    answer = client.get(checkpoint["url"])

    assert (checkpoint["sequences"], checkpoint["size"]) == (32, 7)
    assert hashlib.sha256(answer.content).hexdigest() == checkpoint["sha256"]
    assert f"{run_id}-32.safetensors" in answer.headers["Content-Disposition"]


@pytest.fixture
def saved(client, engine, run_id, tmp_path) -> str:
    """The address of a checkpoint of ten bytes."""
    path, content = tmp_path / "weights.safetensors", b"0123456789"
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    add_checkpoint(engine, run_id, StoredFile(32, path.as_uri(), 10, digest))
    return f"{RUNS}/{run_id}/checkpoints/32/file"


@pytest.mark.parametrize(
    ("asked", "content", "said"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=8-99", b"89", "bytes 8-9/10"),
        ("bytes=-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=0-1,3-4", b"0123456789", None),
        ("lines=1-2", b"0123456789", None),
    ],
)
def test_a_download_is_taken_up_where_it_broke_off(client, saved, asked, content, said):
    answer = client.get(saved, headers={"Range": asked})

    assert (answer.status_code, answer.content) == (206 if said else 200, content)
    assert answer.headers.get("Content-Range") == said
    assert int(answer.headers["Content-Length"]) == len(content)


def test_a_download_says_what_it_is_before_it_is_made(client, saved):
    whole = client.get(saved)
    etag = whole.headers["ETag"]
    head = client.head(saved)
    beyond = client.get(saved, headers={"Range": "bytes=10-"})
    other = client.get(saved, headers={"Range": "bytes=2-4", "If-Range": '"another"'})

    assert etag == f'"{hashlib.sha256(b"0123456789").hexdigest()}"'
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "10", b"")
    assert client.get(saved, headers={"If-None-Match": etag}).status_code == 304
    assert (beyond.status_code, "10 bytes" in beyond.json()["detail"]) == (416, True)
    assert (other.status_code, other.content) == (200, whole.content)


def test_frames_are_numpys_arrays_as_they_were_recorded(client, engine, outbox, run_id):
    scores = array("f", [n / 7 for n in range(12)]).tobytes()
    places = [10 * n for n in range(250)]
    for place in places:
        add_frame(engine, outbox, run_id, place, composition=scores if place else None)

    answer = client.get(f"{RUNS}/{run_id}/frames.npz")

    with numpy.load(io.BytesIO(answer.content), allow_pickle=False) as found:
        arrays = dict(found)
    assert arrays["sequences"].tolist() == places
    assert arrays["sequences"].dtype == "<i8"
    patterns, expected = arrays["patterns"], numpy.arange(100, dtype="<f4").reshape(2, 2, 1, 5, 5)
    assert (patterns.shape, patterns.dtype) == ((250, 2, 2, 1, 5, 5), "<f4")
    assert numpy.array_equal(patterns[3], numpy.array(expected / 1000, "<f4"))
    of_values = arrays["composition_v_L1"]
    assert of_values.shape == (250, 2, 1, 2)
    assert numpy.isnan(of_values[0]).all()
    assert of_values[1].ravel().tolist() == numpy.frombuffer(scores, "<f4")[8:].tolist()
    assert client.get(f"{RUNS}/nothing/frames.npz").status_code == 404


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nowhere://bucket/run/32.safetensors", "cannot be had: Protocol not known"),
        ("file:///nowhere/32.safetensors", "cannot be had: [Errno 2] No such file"),
    ],
)
def test_checkpoints_out_of_reach_say_why(client, engine, run_id, url, reason):
    add_checkpoint(engine, run_id, StoredFile(32, url, 7, "0" * 64))

    answer = client.get(f"{RUNS}/{run_id}/checkpoints/32/file")

    assert answer.status_code == 404
    assert reason in answer.json()["detail"]
    assert client.get(f"{RUNS}/{run_id}/checkpoints/31/file").status_code == 404
