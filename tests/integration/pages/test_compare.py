"""Comparisons: the page without scripts, the figure and table over the API, one stream of many."""

import csv
import json
import math
from collections import defaultdict

import plotly.graph_objects as go
import pytest

from app.schemas.config import RunConfig
from app.schemas.state import RunState
from app.services.runs.creation import create_run
from app.services.runs.outbox import transaction
from tests.integration.support.event_stream import EventStream
from tests.integration.support.html import Document, page_data
from tests.integration.support.rows import (
    SMALL,
    add,
    add_frame,
    change,
    measurement,
    moved,
    new_run,
    report,
)
from worker.science.phase_change import phase_change

PLACES = (0, 1000, 2000, 3000)
HALF = math.log(2) / 2
HTMX = {"HX-Request": "true"}


@pytest.fixture
def runs(engine, outbox) -> list[str]:
    """Three runs with losses 0.7, 0.9 and 1.1, of which only the last has no midpoint."""
    made = []
    for number, name in enumerate(("plain", "other seed", "more labels")):
        config = RunConfig.model_validate(
            SMALL.model_dump(mode="json")
            | ({"seeds": {"initial": 7}} if number == 1 else {})
            | ({"task": {"labels": 10}} if number == 2 else {})
        )
        run_id = new_run(engine, outbox, config, name=name)
        loss, strength = 0.7 + 0.2 * number, 0.1 * (number + 1)
        add(engine, run_id, *(measurement(at, loss=loss, strength=strength) for at in PLACES))
        change(engine, run_id, midpoint=None if number == 2 else 1000.0 + 500 * number)
        made.append(run_id)
    return made


def page(client, address: str) -> Document:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return Document(answer.text)


def figure(client, runs: list[str], **query: str) -> dict:
    answer = client.get("/api/v1/compare/figure", params={"runs": ",".join(runs), **query})
    assert answer.status_code == 200, answer.text
    go.Figure(answer.json())
    return answer.json()


def by_run(found: dict) -> dict[str, tuple[list, list]]:
    return {trace["uid"]: (trace["x"], trace["y"]) for trace in found["data"]}


def test_nothing_chosen_says_what_will_be_here_and_offers_runs(client, runs):
    document = page(client, "/compare")

    assert "Nothing to compare yet" in [heading.text for heading in document.all("h2")]
    offered = [link["href"] for link in document.all("a", class_="chip add")]
    assert offered == [f"/compare?runs={run_id}" for run_id in reversed(runs)]
    assert not page(client, "/compare?find=nowhere").all("a", class_="chip add")


def test_without_scripts_the_page_has_last_numbers_and_what_differs(client, runs):
    document = page(client, f"/compare?runs={','.join(runs)}")

    rows = [row.text for row in document.all("tr", data_number="2")]
    assert rows == ["more labels only 1.100 3k"]
    [fields] = [e.text for e in document.all("section") if "What differs" in e.text]
    assert "Labels 5 5 10" in fields
    assert "Initial weights (seed) 5 7 5" in fields
    assert "31 fields are the same" in fields


def test_runs_that_are_gone_are_named_and_the_others_shown(client, runs):
    document = page(client, f"/compare?runs={runs[0]},gone&series=loss.tests&group=task.labels")

    notices = [element.text for element in document.all("p", class_="notice")]
    assert notices[0] == "This run does not exist, or not any more: gone. The others are shown."
    assert "loss.tests" in notices[1]
    assert "cannot be grouped by 'task.labels'" in notices[2]
    assert document.all("tr", data_key=runs[0])


def test_a_view_is_fetched_as_parts_of_the_page(client, runs):
    answer = client.get(f"/compare?runs={runs[0]}&smoothing=0.5", headers=HTMX)

    assert "<html" not in answer.text
    data = json.loads(answer.text.split('id="page-data">')[1].split("</script>")[0])
    assert data["chosen"]["smoothing"] == 0.5
    found = client.get(f"/compare?runs={runs[0]}&find=labels", headers=HTMX)
    assert [link.text for link in Document(found.text).all("a")] == ["more labels queued : add"]


def test_a_study_is_compared_run_by_run(client):
    axes = [{"field": "seeds.initial", "values": [5, 6]}]
    body = {"name": "Seeds", "base": {"training": {"sequences": 640}}, "axes": axes}
    study = client.post("/api/v1/studies", json=body).json()

    answer = client.get("/compare", params={"study": study["id"]}, follow_redirects=False)

    assert answer.status_code == 303
    ids = ",".join(run["id"] for run in study["runs"])
    assert answer.headers["location"] == f"/compare?runs={ids}"


def test_figures_hold_the_apis_numbers_less_those_of_the_baseline(client, runs):
    plain = by_run(figure(client, runs))
    assert plain[runs[1]] == (list(PLACES), [0.9] * 4)

    less = by_run(figure(client, runs, baseline=runs[0]))

    assert set(less) == set(runs[1:])
    assert less[runs[2]] == (list(PLACES), pytest.approx([0.4] * 4))


def test_curves_meet_at_their_midpoints_and_runs_without_one_are_left_out(client, runs):
    found = figure(client, runs, align="midpoint")

    assert by_run(found) == {
        runs[0]: ([-1000, 0, 1000, 2000], [0.7] * 4),
        runs[1]: ([-1500, -500, 500, 1500], [0.9] * 4),
    }
    document = page(client, f"/compare?runs={','.join(runs)}&align=midpoint")
    assert [one.text for one in document.all("li") if "loss has not dropped" in one.text] == [
        "more labels its loss has not dropped yet"
    ]


def test_at_their_midpoint_aligned_runs_have_the_threshold_as_their_mean(client, engine, outbox):
    ids = [_falling(engine, outbox, seed, 1000 * seed + 137) for seed in (5, 6, 7, 7)]

    found = figure(client, ids, align="midpoint", group="all")

    [mean] = [trace for trace in found["data"] if trace["uid"] == "mean-0"]
    assert mean["y"][mean["x"].index(0)] == pytest.approx(HALF, abs=1e-6)
    [band] = [trace for trace in found["data"] if trace["uid"] == "band-0"]
    middle = [y for x, y in zip(band["x"], band["y"], strict=True) if x == 0]
    assert middle == pytest.approx([HALF, HALF], abs=1e-6)
    assert mean["customdata"][mean["x"].index(0)] == 4
    assert None in mean["y"], "where a run ends it is broken"

    query = {"runs": ",".join(ids), "align": "midpoint", "group": "all"}
    answer = client.get("/api/v1/compare.csv", params=query)
    rows = list(csv.DictReader(answer.text.splitlines()))
    at = {row["what"]: row for row in rows if row["sequences_from_midpoint"] == "0"}
    assert {what: float(at[what]["value"]) for what in ("mean", "least", "most")} == {
        what: pytest.approx(HALF, abs=1e-9) for what in ("mean", "least", "most")
    }
    assert at["mean"]["runs"] == "4"
    assert {row["runs"] for row in rows if row["what"] == "mean"} == {"2", "3", "4"}
    document = page(client, f"/compare?runs={','.join(ids)}&align=midpoint&group=all")
    [legend] = [row.text for row in document.all("tr", data_number="0")]
    assert legend.startswith("all runs 4 runs, 3 seeds, 2 at the end")
    [swatch] = {one["style"] for one in document.all("i", class_="dash-solid")}
    assert swatch == "--hue: var(--ink)", "black would not be seen in the dark"


def test_a_midpoint_is_known_as_well_as_the_run_was_measured(client, engine, outbox):
    run_id = _falling(engine, outbox, 5, 5137)  # past 8,600: its losses are 0.414 and 0.314 beside
    midpoint = pytest.approx(8000 + 10_000 * (0.4137 - HALF))
    # What is not a number lies between, and says nothing.
    add(engine, run_id, measurement(8500, loss=math.nan))
    known = {"after": 8000, "until": 9000}

    read = client.get(f"/api/v1/runs/{run_id}").json()
    assert read["phase_change"]["midpoint"] == midpoint
    assert read["phase_change_between"]["midpoint"] == known
    assert read["phase_change_between"]["onset"] == {"after": 5000, "until": 6000}
    assert read["phase_change_between"]["end"] == {"after": 11_000, "until": 12_000}
    assert read["phase_change_between"]["plateau_start"] is None
    assert client.get("/api/v1/runs").json()["runs"][0]["phase_change_between"] is None

    told = "phase change: midpoint between 8k and 9k (one seed)"
    assert told in client.get(f"/runs/{run_id}").text
    chips = [one.text for one in page(client, f"/compare?runs={run_id}").all("li", class_="chip")]
    assert "midpoint 8.67k, between 8k and 9k" in chips[0]
    answer = client.get("/api/v1/compare.csv", params={"runs": run_id, "align": "midpoint"})
    rows = list(csv.DictReader(answer.text.splitlines()))
    places = {row["what"]: row["sequences_from_midpoint"] for row in rows if row["what"] != "run"}
    assert places == {"midpoint": "0", "midpoint_after": "-671", "midpoint_until": "329"}


def test_a_run_that_begins_below_the_level_has_nothing_before(client, engine, outbox):
    run_id = new_run(engine, outbox, SMALL)
    add(engine, run_id, measurement(0, loss=0.1), measurement(1000, loss=0.05))
    change(engine, run_id, midpoint=0.0, onset=0.0)

    read = client.get(f"/api/v1/runs/{run_id}").json()["phase_change_between"]

    assert read["midpoint"] == {"after": None, "until": 0}
    assert "8.67k" not in (shown := client.get(f"/runs/{run_id}").text)
    assert "phase change: midpoint by 0 (one seed)" in shown


def _falling(engine, outbox, seed: int, late: int) -> str:
    """A run whose loss falls by 0.1 a thousand sequences, as late as is said."""
    config = RunConfig.model_validate(SMALL.model_dump(mode="json") | {"seeds": {"initial": seed}})
    run_id = new_run(engine, outbox, config)
    losses = {at: min(0.7, max(0.0, 0.7 - (at - late) / 10_000)) for at in range(0, 20_001, 1000)}
    add(engine, run_id, *(measurement(at, loss=loss) for at, loss in losses.items()))
    change(engine, run_id, **dict(phase_change(losses.items(), 2 * HALF)))
    return run_id


def test_heads_are_matched_by_their_strength_at_the_end_of_each_run(client, engine, runs):
    strong = measurement(4000).model_copy(update={"induction_strength": ((0.0, 0.0), (0.8, 0.2))})
    add(engine, runs[0], strong)

    found = figure(client, runs, series="induction_strength.L1R1")

    heads = [group["pick"]["head"] for group in found["layout"]["meta"]["groups"]]
    assert heads == [0, 1, 1]  # elsewhere the second head is stronger by 0.01
    assert by_run(found)[runs[0]][1] == [0.12, 0.12, 0.12, 0.12, 0.8]
    assert by_run(found)[runs[1]][1] == [0.23] * 4
    strongest = figure(client, runs, series="strongest_induction.L0")
    assert by_run(strongest)[runs[1]][1] == [0.21] * 4


def test_groups_have_means_and_the_table_has_all_of_them(client, runs):
    query = {"runs": ",".join(runs), "group": "task.labels"}
    found = figure(client, runs, group="task.labels")
    assert [g["label"] for g in found["layout"]["meta"]["groups"]] == ["5", "10"]
    assert found["layout"]["meta"]["groups"][0]["last"]["number"] == pytest.approx(0.8)

    answer = client.get("/api/v1/compare.csv", params=query)

    rows = list(csv.DictReader(answer.text.splitlines()))
    bracket = {"midpoint", "midpoint_after", "midpoint_until"}
    assert {row["what"] for row in rows} == {"run", "mean", "least", "most"} | bracket
    assert [float(row["value"]) for row in rows if row["run_id"] == runs[2]] == [1.1] * 4


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ({"runs": ""}, 422, "Say which runs to compare"),
        ({"runs": "gone"}, 404, "There is no run 'gone'"),
        ({"series": "loss.tests"}, 422, "There is no series 'loss.tests'"),
        (
            {"series": "loss.train", "group": "task.dataset"},
            422,
            "there are each, all, task.labels",
        ),
        ({"align": "end"}, 422, "write sequences or midpoint"),
        ({"baseline": "gone"}, 422, "none of the compared runs"),
        ({"smoothing": "1"}, 422, "smoothing"),
        ({"from": "9", "to": "3"}, 422, "must not be above"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_what_would_be_right(
    client, runs, query, status, said
):
    answer = client.get("/api/v1/compare/figure", params={"runs": ",".join(runs), **query})

    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_runs_with_other_models_lack_heads_and_say_so(client, engine, outbox, runs):
    deep = new_run(
        engine, outbox, RunConfig.model_validate({"model": {"layers": 3, "width": 16, "heads": 2}})
    )
    document = page(client, f"/compare?runs={runs[0]},{deep}&series=induction_strength.L2H0")

    assert [one.text for one in document.all("li") if "has only" in one.text] == [
        "plain has only 2 layers"
    ]


def test_many_runs_are_followed_in_one_stream_each_from_its_own_place(
    client, server, engine, outbox, runs
):
    for run_id in runs[:2]:
        moved(engine, outbox, run_id, RunState.STARTING, RunState.RUNNING)
    address = f"{server.url}/api/v1/events?runs={runs[0]},{runs[1]}&after=1000,-1"

    with EventStream(address) as stream:
        stream.wait(lambda one: len(places(one)[runs[1]]) >= 4)
        report(engine, outbox, runs[0], 4000)
        stream.wait(lambda one: len(places(one)[runs[0]]) >= 3)
        for run_id in runs[:2]:
            moved(engine, outbox, run_id, RunState.STOPPING, RunState.FINISHED)
        stream.wait(lambda one: one.ended, seconds=15)

    assert places(stream) == {runs[0]: [2000, 3000, 4000], runs[1]: list(PLACES)}
    assert {event.data["run_id"] for event in stream.named("ended")} == set(runs[:2])
    assert stream.events[-1].name == "done"


def test_more_than_two_hundred_runs_are_shown_and_followed(client, server, engine, outbox):
    with transaction(engine, outbox) as session:
        ids = [create_run(session, SMALL).id for _ in range(201)]
    live = page_data(page(client, f"/compare?runs={','.join(ids)}"))["live"]
    assert list(live) == ids

    with EventStream(f"{server.url}/api/v1/events?runs={','.join(live)}") as stream:
        stream.wait(lambda it: {one.data["run_id"] for one in it.named("run")} == set(ids))


def test_a_deleted_run_ends_and_keeps_nobody_from_the_others(client, server, engine, outbox, runs):
    moved(engine, outbox, runs[0], RunState.STARTING, RunState.FAILED)

    with EventStream(f"{server.url}/api/v1/events?runs=gone,{runs[0]}") as stream:
        stream.wait(lambda one: one.ended)

    ended = {one.data["run_id"]: one.data["data"]["state"] for one in stream.named("ended")}
    assert ended == {"gone": "deleted", runs[0]: "failed"}
    assert places(stream) == {runs[0]: list(PLACES)}


def places(stream: EventStream) -> dict[str, list[int]]:
    """Of every run the measurements that came."""
    found: dict[str, list[int]] = defaultdict(list)
    for event in stream.named("measurement", "measurements"):
        several = event.data["data"] if event.name == "measurements" else [event.data["data"]]
        found[event.data["run_id"]].extend(one["sequences"] for one in several)
    return found


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("runs=", 422, "1 to 500 ids"),
        ("runs=gone", 404, "There is no run"),
        ("runs=a,b&after=1", 422, "1 places for 2 runs"),
        ("runs=a&after=x", 422, "whole numbers"),
    ],
)
def test_a_stream_of_what_is_not_there_is_refused(client, query, status, said):
    answer = client.get(f"/api/v1/events?{query}")

    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_two_runs_of_a_comparison_never_share_a_colour_and_its_address_keeps_them(
    client, engine, outbox
):
    every = [new_run(engine, outbox, name=f"run {number}") for number in range(14)]
    hues = {one["id"]: one["colour"] for one in client.get("/api/v1/runs").json()["runs"]}
    alike = [one for one in every if list(hues.values()).count(hues[one]) > 1][:2]
    alike.append(next(one for one in every if one != alike[0] and hues[one] == hues[alike[0]]))
    shown = list(dict.fromkeys(alike))
    for run_id in shown:
        add(engine, run_id, measurement(0), measurement(1000))

    def colours(runs: list[str]) -> dict[str, str]:
        groups = figure(client, runs)["layout"]["meta"]["groups"]
        return {group["run_id"]: group["hue"] for group in groups}

    two = colours(shown)
    assert len(set(two.values())) == len(shown)
    assert two[shown[0]] == hues[shown[0]]
    assert two == colours(shown)
    document = page(client, f"/compare?runs={','.join(shown)}")
    [dots] = [
        [one["style"] for one in document.elements[at:] if one.attributes.get("class") == "dot"]
        for at in [document.elements.index(document.all("li", class_="chip")[0])]
    ]
    assert dots[: len(shown)] == [f"--hue: {two[run_id]}" for run_id in shown]


def test_groups_by_clamps_are_named_by_their_lights_not_by_cut_sentences(client, engine, outbox):
    programs = {
        "Unclamped": [],
        "Ablate: layer 2, head 0": [{"kind": "ablate", "site": "L1H0.v"}],
        "Scale: layer 1, head 1": [{"kind": "scale", "site": "L0H1.z", "by": 0.5}],
    }
    made = []
    for program in programs.values():
        config = RunConfig.model_validate({**SMALL.model_dump(mode="json"), "program": program})
        made.append(new_run(engine, outbox, config))
        add(engine, made[-1], measurement(0), measurement(1000))

    groups = figure(client, made, group="program")["layout"]["meta"]["groups"]

    assert [group["label"] for group in groups] == list(programs)
    [table] = [
        e.text
        for e in page(client, f"/compare?runs={','.join(made)}").all("section")
        if "What differs" in e.text
    ]
    assert "Layer 2, head 0 is silenced: it writes nothing." in table


def test_programs_that_would_be_called_the_same_are_told_apart(client, engine, outbox):
    made = []
    for by in (0.5, 0.25):
        program = [{"kind": "scale", "site": "L0H1.z", "by": by}]
        config = RunConfig.model_validate({**SMALL.model_dump(mode="json"), "program": program})
        made.append(new_run(engine, outbox, config))
        add(engine, made[-1], measurement(0), measurement(1000))

    groups = figure(client, made, group="program")["layout"]["meta"]["groups"]

    assert [group["label"].rpartition(" by ")[2] for group in groups] == ["0.5.", "0.25."]


def test_two_runs_that_have_frames_are_side_by_side(client, engine, outbox, runs):
    pair = f"/compare?runs={','.join(runs[:2])}"
    document = page(client, pair)
    assert document.all("section", id="beside"), "frames may come"
    [first, second] = json.loads(document.one("script", id="beside-data").text)
    assert first["frames"] == second["frames"] == []
    moved(engine, outbox, runs[0], RunState.CANCELLED)
    assert not page(client, pair).all("section", id="beside"), "without frames for good"
    for run_id in runs:
        for at in PLACES[:2]:
            add_frame(engine, outbox, run_id, at)

    document = page(client, pair)
    first, second = json.loads(document.one("script", id="beside-data").text)
    assert [first["id"], second["id"]] == runs[:2]
    assert first["frames"] == second["frames"] == list(PLACES[:2])
    assert [one["change"]["midpoint"] for one in (first, second)] == [1000.0, 1500.0]
    # One scale for both: the larger loss is at the top.
    lines = [one["d"] for one in document.all("path", class_="line")]
    assert [line.split(" ")[-1] for line in lines] == ["11.0", "5.0"]
    for others in (runs[:1], runs):
        assert not page(client, f"/compare?runs={','.join(others)}").all("section", id="beside")
    assert 'id="beside' not in client.get(pair, headers=HTMX).text
