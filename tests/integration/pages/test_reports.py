"""Reports: one file each, which holds what it shows and nothing that harms who opens it."""

import json
import re

import pytest

from app.schemas.config import RunConfig
from tests.integration.support.rows import (
    SMALL,
    add,
    add_frame,
    add_probe,
    change,
    measurement,
    new_run,
)

API = "/api/v1"
DATA = re.compile(r'<script type="application/json" id="report-data">(.*?)</script>')
EVIL = "</script><script>alert(1)</script>"


@pytest.fixture
def run_id(engine, outbox) -> str:
    clamped = {**SMALL.model_dump(), "program": [{"kind": "ablate", "site": "L1H0.v"}]}
    config = RunConfig.model_validate(clamped)
    run_id = new_run(engine, outbox, config, name=f"Evil {EVIL}", tags=["a"], notes=f"<!-- {EVIL}")
    add(engine, run_id, *(measurement(32 * n) for n in range(20)))
    add_probe(engine, run_id)
    for n in range(20):
        add_frame(engine, outbox, run_id, 32 * n)
    change(engine, run_id, versions={"torch": "2.13.0"}, midpoint=300.0, plateau_end=200.0)
    return run_id


def report(client, path: str, **query) -> tuple[str, dict]:
    answer = client.get(f"{API}/{path}", params=query)
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["Content-Disposition"]
    [data] = DATA.findall(answer.text)
    return answer.text, json.loads(data)


def test_a_run_in_words_charts_frames_and_what_repeats_it(client, run_id):
    text, data = report(client, f"runs/{run_id}/report.html")

    assert len(data["charts"]) == 5 + 2 * 2
    assert data["charts"][0]["figure"]["data"][0]["y"][0] == 0.7
    assert data["frames"]["places"] == [32 * n for n in range(20)]
    for said in (
        "is silenced: it writes nothing",
        "phase change under clamp: midpoint",
        "torch 2.13.0",
        "Learning rate",
        run_id,
    ):
        assert said in text, said


def test_a_report_asks_for_nothing_and_runs_nothing_that_it_was_told(client, run_id):
    text, _ = report(client, f"runs/{run_id}/report.html")

    assert "default-src 'none'" in text
    assert EVIL not in text
    assert text.count("<script") == text.count("</script") == 3
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', text.split("<script>")[0]) == []


def test_a_comparison_with_what_differs_and_one_figure(client, engine, outbox, run_id):
    other = new_run(engine, outbox, name="Other")
    add(engine, other, *(measurement(32 * n, loss=0.5) for n in range(20)))

    text, data = report(client, "compare/report.html", runs=f"{run_id},{other}")
    alone, figure = report(client, f"runs/{run_id}/figures/induction/report.html")

    assert "Other" in text
    assert [one["figure"]["layout"]["meta"].get("title") for one in data["charts"]] == [
        None,
        "Midpoint against clamps",
        "Rank correlations",
        "Every run through its settings and outcomes",
        "Induction strength of every head at the midpoint",
    ]
    assert "fewer than four runs have both" in text
    assert figure["charts"][0]["figure"]["layout"]["meta"]["name"] == "induction"
    assert "Induction strength of" in alone
    assert client.get(f"{API}/compare/report.html").status_code == 422


def test_long_runs_have_some_of_their_frames(client, run_id, monkeypatch):
    monkeypatch.setattr("app.services.reports.frames.MOST_BYTES", 500)

    _, data = report(client, f"runs/{run_id}/report.html")

    assert data["frames"]["places"] == [0, 160, 320, 448, 608]


def test_figures_of_the_paper_with_their_claims(client):
    text, data = report(client, "figures/paper/fig-5b/report.html")
    _, both = report(client, "figures/paper/fig-3b/report.html")
    _, table = report(client, "figures/paper/table-1/report.html")

    assert all(said in text for said in ("Figure of the paper", "Claims", "not trained"))
    assert len(data["charts"]) == 1
    assert both["charts"][0]["figure"]["layout"]["annotations"] is not None
    assert table["charts"] == []  # nothing to draw yet


def test_a_study_with_its_runs_what_they_came_to_and_its_request(client, engine):
    notes = f"Why **two**? {EVIL}"
    axes = [{"field": "training.learning_rate", "values": [1e-4, 1e-3]}]
    request = {"base": SMALL.model_dump(mode="json"), "axes": axes, "name": EVIL, "notes": notes}
    study = client.post(f"{API}/studies", json=request).json()
    for run in study["runs"]:
        add(engine, run["id"], *(measurement(32 * n) for n in range(20)))
        change(engine, run["id"], midpoint=300.0, sequences=608)

    path = f"studies/{study['id']}/report.html"
    text, data = report(client, path, metric="accuracy.train", view="panels")

    curves, *outcomes = [one["figure"] for one in data["charts"]]
    assert len(curves["data"]) == 2
    assert "yaxis2" in curves["layout"]
    assert [one["layout"]["meta"]["title"] for one in outcomes][:2] == [
        "Midpoint against learning rate",
        "Rank correlations",
    ]
    said = ("Accuracy, train", "<strong>two</strong>", "2 queued", "What varies", "0.0001, 0.001")
    for one in (*said, "Request", study["runs"][1]["id"]):
        assert one in text, one
    assert EVIL not in text
    assert client.get(f"{API}/{path}?metric=los").status_code == 422
    assert client.get(f"{API}/studies/none/report.html").status_code == 404


def test_the_runs_of_a_study_are_a_table(client, engine):
    axes = [{"field": "seeds.initial", "values": [5, 6]}]
    study = client.post(f"{API}/studies", json={"axes": axes, "name": "S"}).json()
    change(engine, study["runs"][0]["id"], midpoint=300.0, train_loss=0.5)

    answer = client.get(f"{API}/studies/{study['id']}/runs.csv")

    head, first, second = answer.text.splitlines()
    assert head == (
        "run_id,run,seeds.initial,state,is_reused,sequences,total_sequences,train_loss_nats,"
        "midpoint,end"
    )
    assert first.startswith(f"{study['runs'][0]['id']},")
    assert ",5,queued,false,0," in first
    assert first.endswith(",0.5,300.0,")
    assert second.endswith(",,,")
    assert "attachment" in answer.headers["Content-Disposition"]
