"""How tests ask for analyses and look at what becomes of them."""

import httpx

from app.db import analyses
from app.db.engine import session_scope
from tests.integration.support.worker_process import tiny

API = "/api/v1/analyses"
CONFIG = tiny(
    model={"layers": 2, "heads": 3, "width": 24, "mlp_ratio": 1.0},
    task={"classes": 10},
    training={"sequences": 16_000},
)


def asked(api: httpx.Client, run_id: str, kind: str, **settings: object) -> str:
    answer = api.post(API, json={"kind": kind, "run": run_id, **settings})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def result(api: httpx.Client, analysis_id: str) -> dict:
    read = api.get(f"{API}/{analysis_id}").json()
    assert read["state"] == "finished", read
    assert read["done"] == read["total"]
    return api.get(f"{API}/{analysis_id}/result").json()


def done(engine, analysis_id: str) -> int:
    with session_scope(engine) as session:
        return len(analyses.places_done(session, analysis_id))
