"""Importing a config of the published code: over the API, and from the command line."""

import json
import subprocess
import sys

import pytest

from app.cli import main
from app.schemas.config import RunConfig
from tests.unit.schemas.published import OTHERS, published

IMPORT = "/api/v1/runs/import"
MATCH = {"opto_induction_heads": ["1:3"], "opto_ablate_heads": OTHERS, "use_wandb": True}


@pytest.fixture
def config_json(tmp_path):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(published(**MATCH)))
    return path


def test_an_import_is_queued_with_what_was_left_out(client, outbox):
    answer = client.post(IMPORT, json={"config": published(**MATCH), "tags": ["fig 5b"]})

    assert answer.status_code == 202, answer.text
    run = answer.json()
    assert answer.headers["Location"] == f"/api/v1/runs/{run['id']}"
    assert (run["state"], run["name"], run["tags"]) == ("queued", "omniglot50_rl5", ["fig 5b"])
    assert (
        "Layer 2, head 3 always attends from the query to the correct label."
        in (run["description"])
    )
    ignored = {one["option"]: one["reason"] for one in run["ignored"]}
    assert "recorded anyway" in ignored["use_wandb"]
    assert any("Attention has no biases" in sentence for sentence in run["differs"])
    kept = client.get(f"/api/v1/runs/{run['id']}").json()
    assert "- use_wandb: every measurement is recorded anyway" in kept["notes"]
    assert outbox.waiting() == 1


def test_the_run_has_the_config_that_the_dry_run_and_the_command_say(client, config_json, capsys):
    body = {"config": published(**MATCH), "dataset": "glyphs", "name": "Mine", "notes": "Yes."}

    said = client.post(f"{IMPORT}?dry_run=true", json=body)

    assert said.status_code == 200
    assert client.get("/api/v1/runs").json()["runs"] == []
    assert said.json()["name"] == "Mine"
    assert said.json()["estimate"]["measurements"] == 601
    assert said.json()["ignored"]
    run = client.post(IMPORT, json=body).json()
    assert (run["name"], run["notes"]) == ("Mine", "Yes.")
    config = client.get(f"/api/v1/runs/{run['id']}/config").json()
    assert config == said.json()["config"]
    assert main(["import", str(config_json), "--dataset", "glyphs"]) == 0
    written = capsys.readouterr().out
    assert RunConfig.model_validate_json(written) == RunConfig.model_validate(config)


def test_the_same_key_imports_once(client):
    key, body = {"Idempotency-Key": "k1"}, {"config": published()}

    first, again = (client.post(IMPORT, json=body, headers=key) for _ in range(2))

    assert first.json()["id"] == again.json()["id"]
    assert len(client.get("/api/v1/runs").json()["runs"]) == 1


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            {"config": published(optimizer="sgd", no_norm=True)},
            {"/config/no_norm": "always has its norms", "/config/optimizer": "only adam"},
        ),
        ({"config": published(lrr=1)}, {"/config/lrr": "did you mean lr?"}),
        ({"config": published(), "dataset": "mnist"}, {"/dataset": "none of glyphs"}),
        ({"config": published(), "graft_in": "x"}, {"/graft_in": "write RUN@SEQUENCES"}),
        ({"config": []}, {"/config": "valid dictionary"}),
        ({}, {"/config": "required"}),
    ],
)
def test_what_cannot_be_had_is_refused_at_its_option(client, body, errors):
    answer = client.post(IMPORT, json=body)

    assert answer.status_code == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    said = {one["loc"]: one["message"] for one in answer.json()["errors"]}
    assert said.keys() == errors.keys()
    assert all(message in said[loc] for loc, message in errors.items())
    assert client.get("/api/v1/runs").json()["runs"] == []


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_run_that_cannot_be_grafted_is_refused_at_the_option(client, dry_run):
    graft = {"opto_graft_in_model_ckpt": "a.eqx", "opto_graft_in_model_till_layer": 0}
    body = {"config": published(**graft), "graft_in": "nobody@5024"}

    answer = client.post(IMPORT, json=body, params={"dry_run": dry_run})

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["loc"] == "/config/opto_graft_in_model_ckpt"
    assert error["message"] == ("opto_graft_in_model_ckpt: there is no run 'nobody' to graft from.")


def test_the_command_writes_a_file_and_says_what_was_left_out(config_json, tmp_path):
    """As a user runs it; the tests below call what that calls, a second faster."""
    out = tmp_path / "run.json"
    command = [sys.executable, "-c", "import sys; from app.cli import main; sys.exit(main())"]

    done = subprocess.run(
        [*command, "import", config_json, "--out", out], capture_output=True, text=True, timeout=60
    )

    assert (done.returncode, done.stdout) == (0, "")
    program = RunConfig.model_validate_json(out.read_text()).program
    assert {str(clamp.site) for clamp in program} == {
        "L1H3.pattern[query]",
        "L1H0,1,2,4,5,6,7.v",
    }
    assert "Ignored: use_wandb: every measurement is recorded anyway" in done.stderr
    assert "Differs: Attention has no biases" in done.stderr


@pytest.mark.parametrize(
    ("content", "arguments", "sentence"),
    [
        ('{"optimizer": "sgd"}', [], "optimizer: only adam"),
        ("{}", ["--graft-in", "x"], "graft_in: x is not a checkpoint; write RUN@SEQUENCES"),
        ("[1]", [], "must hold options by name"),
        ("{", [], "is not JSON"),
        (None, [], "cannot be read: No such file"),
    ],
)
def test_the_command_says_what_is_wrong_in_a_sentence(
    tmp_path, capsys, content, arguments, sentence
):
    path = tmp_path / "config.json"
    if content is not None:
        path.write_text(content)

    assert main(["import", str(path), *arguments]) == 1

    said = capsys.readouterr()
    assert said.out == ""
    assert sentence in said.err
    assert "Traceback" not in said.err


def test_the_command_says_where_it_cannot_write(config_json, tmp_path, capsys):
    out = tmp_path / "missing" / "run.json"

    assert main(["import", str(config_json), "--out", str(out)]) == 1
    assert "run.json cannot be written: No such file" in capsys.readouterr().err


def test_the_api_reference_describes_the_import(client):
    page = client.get("/docs").text

    assert IMPORT in page
    assert "from a config of the paper's published code" in page.replace("&#39;", "'")
