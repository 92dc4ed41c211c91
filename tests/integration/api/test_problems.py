"""Every error below /api is a problem document; elsewhere it is a page."""

import json
import subprocess
import sys

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from app.config import Settings
from app.main import create_app
from app.schemas.api.runs import Problem
from tests.integration.support.rows import new_run
from tests.integration.support.web_server import serving

RUNS = "/api/v1/runs"
LONG = {"notes": "x" * 1_000_001}


def _chunks():
    yield b'{"notes": "'
    for _ in range(2000):
        yield b"x" * 1000
    yield b'"}'


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "detail"),
    [
        ("GET", "/api/v1/nothing", {}, 404, "nothing at /api/v1/nothing"),
        ("GET", "/api", {}, 404, "nothing at /api"),
        ("GET", f"{RUNS}/none", {}, 404, "no run 'none'"),
        ("GET", f"{RUNS}/none/events", {}, 404, "no run 'none'"),
        ("GET", f"{RUNS}/none/measurements.csv", {}, 404, "no run 'none'"),
        ("PUT", RUNS, {}, 405, "PUT cannot be done at /api/v1/runs"),
        ("POST", RUNS, {"json": LONG}, 413, "1,000,000 bytes"),
        ("POST", RUNS, {"content": _chunks}, 413, "1,000,000 bytes"),
        ("POST", RUNS, {"json": []}, 422, "valid dictionary"),
        ("POST", RUNS, {"content": b'{"config": '}, 422, "not JSON"),
        ("POST", RUNS, {}, 422, "required"),
        ("GET", RUNS, {"params": {"limit": 501}}, 422, "query/limit"),
    ],
)
def test_errors_of_the_api_are_problem_documents(client, method, path, options, status, detail):
    if callable(options.get("content")):
        options = {"content": options["content"]()}
    if "content" in options:
        options = options | {"headers": {"Content-Type": "application/json"}}

    answer = client.request(method, path, **options)

    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = Problem.model_validate(answer.json())
    assert (problem.status, problem.instance, problem.type) == (status, path, "about:blank")
    assert detail in problem.detail


@pytest.mark.parametrize(
    ("clamp", "loc", "message"),
    [
        ({"kind": "ablate", "site": "L1H9.v"}, "", "L1H9.v: the model has heads 0 to 7"),
        (
            {
                "kind": "set_pattern",
                "target": "match",
                "site": "L1.pattern[query]",
                "temperature": -1,
            },
            "/temperature",
            "L1.pattern[query]: “Temperature” must be at least 0.",
        ),
        (
            {"kind": "set", "site": "L1.z", "value": "x"},
            "/value",
            "L1.z: “Value”: One number, or a list with one per feature.",
        ),
        ({"kind": "scale", "site": "L1.z", "by": 1}, "/by", "L1.z: a factor of 1 changes nothing."),
        (
            {"kind": "forbid", "target": "labels", "site": "L1.score"},
            "",
            "L1.score: 'labels' is no target of forbid; write one of previous_token, non_labels.",
        ),
    ],
)
def test_a_clamp_that_cannot_be_is_named_by_its_site_and_place(client, clamp, loc, message):
    other = {"kind": "ablate", "site": "L0H0.v"}

    answer = client.post(RUNS, json={"config": {"program": [other, clamp]}})

    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert (error["loc"], error["message"]) == (f"/config/program/1{loc}", message)


def test_405_says_what_can_be_done(client):
    assert client.put(RUNS).headers["Allow"] == "GET, POST"


def test_bugs_are_problem_documents_without_a_traceback(settings, capfd):
    app = create_app(settings)

    @app.get("/api/v1/bug")
    def bug() -> None:
        raise RuntimeError("secret")

    with serving(app) as server:
        answer = httpx.get(f"{server.url}/api/v1/bug")

    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "secret" not in answer.text
    assert f"request {answer.headers['X-Request-ID']}." in answer.json()["detail"]
    assert "RuntimeError: secret" in capfd.readouterr().err


def test_without_a_database_the_api_says_so_and_the_process_lives(settings):
    nowhere = Settings(
        database_url="postgresql://nobody@127.0.0.1:1/none", redis_url=settings.redis_url
    )
    with serving(create_app(nowhere)) as server:
        answer = httpx.get(f"{server.url}{RUNS}")
        stream = httpx.get(f"{server.url}{RUNS}/some/events")
        ready = httpx.get(f"{server.url}/readyz")
        healthy = httpx.get(f"{server.url}/healthz")

    assert answer.status_code == stream.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "database does not answer" in answer.json()["detail"]
    assert (ready.status_code, ready.json()["database"], ready.json()["redis"]) == (
        503,
        "away",
        "ok",
    )
    assert "The database does not answer" in ready.json()["problems"][0]
    assert healthy.status_code == 200


def test_runs_are_launched_while_redis_is_away(settings):
    nowhere = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    with serving(create_app(nowhere)) as server:
        answer = httpx.post(f"{server.url}{RUNS}", json={})
        ready = httpx.get(f"{server.url}/readyz")

    assert answer.status_code == 202
    assert answer.elapsed.total_seconds() < 3
    assert (ready.status_code, ready.json()["redis"]) == (503, "away")
    assert "Redis does not answer" in ready.json()["problems"][0]


@pytest.mark.parametrize("path", ["/nothing", "/runs/none"])
def test_errors_elsewhere_are_pages(client, path):
    answer = client.get(path)

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/html")


def test_openapi_describes_every_operation_with_examples_and_problems(client):
    schema = client.get("/api/v1/openapi.json").json()

    operations = [
        (path, operation)
        for path, methods in schema["paths"].items()
        for operation in methods.values()
    ]
    names = [operation["operationId"] for _, operation in operations]
    assert len(names) == len(set(names))
    for path, operation in operations:
        assert operation["summary"], path
        if path.startswith("/api/v1/runs"):
            assert list(operation["responses"]["422"]["content"]) == ["application/problem+json"]
    for name in ("LaunchRequest", "MeasurementsRead", "Problem", "CheckpointRead"):
        assert schema["components"]["schemas"][name]["examples"], name
    assert "HTTPValidationError" not in json.dumps(schema)


def test_examples_of_the_schema_are_valid(client):
    schema = client.get("/api/v1/openapi.json").json()["components"]["schemas"]

    for example in schema["LaunchRequest"]["examples"]:
        assert client.post(f"{RUNS}?dry_run=true", json=example).status_code == 200
    for example in schema["Problem"]["examples"]:
        Problem.model_validate(example)


def test_the_web_process_loads_no_science():
    program = (
        "import sys, app.main;"
        "from app.services.arrow_tables import NUMBER, ArrowForm, numbers, table_pieces;"
        "assert b''.join(table_pieces(ArrowForm.PARQUET, [('x', NUMBER)], [[numbers([0.5])]]));"
        "print([name for name in ('torch', 'numpy', 'worker') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_outages_in_the_middle_of_a_request_are_503(client, engine, outbox, server):
    run_id = new_run(engine, outbox)

    @server.app.get(f"/api/v1/outage/{run_id}")
    def outage() -> None:
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    answer = client.get(f"/api/v1/outage/{run_id}")

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
