"""Every command of the documents is one that there is, and a test runs it, or says why none can."""

import argparse
import ast
import json
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute
from pydantic import TypeAdapter
from starlette.routing import Match

from app import cli
from app.routes.api import router as api
from app.schemas.config import RunConfig
from optoscope.__main__ import SCIENCE
from optoscope.commands import NAMES
from optoscope.commands.parser import parser as client_parser
from tests.contracts.documented import ROOT, Typed, commands, typed
from worker import __main__ as worker
from worker.science.data.files.reading import open_data_file

MINUTES = "it takes minutes of a machine that does nothing else"
NO_ENGINE = "no Docker engine is here: tests/unit/test_packaging.py reads the files"
NO_CLUSTER = "no cluster is here: tests/unit/test_packaging.py reads the files"
FROM_THE_NETWORK = "it installs from a package index"
BACKUP = (
    "tests/integration/stack/test_backup.py::test_a_restored_server_serves_the_same_and_counts_on"
)
WORKERS = (
    "tests/integration/stack/test_worker_command.py"
    "::test_workers_train_say_that_they_work_and_end_when_nothing_is_to_do"
)
CLIENT = "tests/integration/client/test_client.py::"
LISTS, ENDS_RUNS = (
    f"{CLIENT}test_commands_list_and_show_what_is_there",
    f"{CLIENT}test_commands_launch_fork_and_end",
)
TRACKERS = "tests/unit/client/test_trackers.py::"
SUITE = "it is what runs this"
NO_ROUTES = APIRouter()

# What begins so: the test that runs it, or why none can. The longest beginning counts.
TOLD = {
    "curl": "tests/contracts/test_commands.py::test_requests_are_ones_that_the_api_takes",
    "docker compose": NO_ENGINE,
    "echo": "tests/contracts/test_commands.py::test_files_that_are_written_by_hand_are_configs",
    "kubectl": NO_CLUSTER,
    "make bench": MINUTES,
    "make bench-pages": MINUTES,
    "make bench-scale": MINUTES,
    "make bench-server": MINUTES,
    "make bench-streams": MINUTES,
    "make check": SUITE,
    "make docs": "tests/contracts/test_site.py::test_the_site_is_built_without_a_warning",
    "make format": "it changes the files of whoever runs it; `make check` asks the same",
    "make fuzz": f"{MINUTES}; tests/integration/api/test_contract.py does less of the same",
    "make quick": SUITE,
    "make lock": FROM_THE_NETWORK,
    "make run": f"{FROM_THE_NETWORK}, and then runs `optoscope up`",
    "make screenshots": MINUTES,
    "make test": SUITE,
    "make wheel": "tests/integration/stack/test_wheel.py"
    "::test_a_wheel_has_one_package_with_pages_libraries_and_migrations",
    "optoscope analyses": LISTS,
    "optoscope archive": f"{CLIENT}test_the_command_exports_what_the_api_writes",
    "optoscope backup": BACKUP,
    "optoscope cancel": ENDS_RUNS,
    "optoscope completion": "tests/unit/client/test_commands.py"
    "::test_shells_complete_every_command",
    "optoscope export": f"{CLIENT}test_the_command_exports_what_the_api_writes",
    "optoscope follow": LISTS,
    "optoscope fork": ENDS_RUNS,
    "optoscope health": WORKERS,
    "optoscope mlflow": f"{TRACKERS}test_a_run_of_mlflow_has_options_as_parameters_and_numbers"
    "_by_sequences",
    "optoscope tensorboard": f"{TRACKERS}test_event_files_are_read_by_tensorboard",
    "optoscope wandb": f"{TRACKERS}test_a_run_of_weights_and_biases_has_its_id_and_config",
    "optoscope import-archive": f"{CLIENT}test_the_command_exports_what_the_api_writes",
    "optoscope import": "tests/integration/api/test_imports.py"
    "::test_the_command_writes_a_file_and_says_what_was_left_out",
    "optoscope launch": ENDS_RUNS,
    "optoscope logs": LISTS,
    "optoscope migrate": BACKUP,
    "optoscope pause": ENDS_RUNS,
    "optoscope restore": BACKUP,
    "optoscope report": f"{CLIENT}test_the_command_exports_what_the_api_writes",
    "optoscope runs": LISTS,
    "optoscope show": LISTS,
    "optoscope study": ENDS_RUNS,
    "optoscope token": "tests/integration/api/test_access.py"
    "::test_tokens_are_made_and_revoked_on_the_command_line",
    "optoscope up": "tests/integration/stack/test_up.py"
    "::test_it_answers_refuses_what_is_taken_and_stops_without_orphans",
    "optoscope web": "tests/browser/test_door.py"
    "::test_a_run_is_launched_watched_and_cancelled_by_who_has_logged_in",
    "optoscope worker": WORKERS,
    "pip install": FROM_THE_NETWORK,
    "pre-commit": "it writes into .git of whoever runs it",
    "python -m worker.ship": "tests/unit/science/machine/test_shipped.py"
    "::test_what_the_wheel_brings_along_trains_the_default_run",
    "python -m tests.bench.exports": MINUTES,
    "python -m tests.paper_document": "it reads figures that take an hour",
    "python -m worker": "tests/contracts/test_commands.py::test_programs_parse_their_commands",
    "optoscope bench": MINUTES,
    "optoscope evaluate": "tests/unit/offline/test_offline_tools.py"
    "::test_evaluate_equals_all_golden_manipulations",
    "optoscope exhaustive": "tests/unit/offline/test_offline_exhaustive.py"
    "::test_a_runs_checkpoint_is_read_as_it_is_served",
    "optoscope replay": "tests/unit/offline/test_offline_tools.py"
    "::test_replay_equals_all_golden_trainings",
    "optoscope gpucheck": "tests/unit/worker/test_gpucheck.py"
    "::test_it_runs_where_there_is_only_torch_and_writes_what_it_found",
    "optoscope toy": "tests/unit/toy/test_toy.py::test_the_command_writes_a_preset",
    "optoscope train": "tests/unit/offline/test_offline.py"
    "::test_training_goes_on_from_given_weights",
    "sbatch": NO_CLUSTER,
    "uvx": FROM_THE_NETWORK,
    "sh deploy/compose/secrets.sh": "tests/contracts/test_commands.py"
    "::test_the_script_of_secrets_makes_those_that_compose_declares",
}
ALL = tuple(commands())


def those(*beginning: str) -> list[Typed]:
    return [one for one in ALL if one.words[: len(beginning)] == beginning]


def told(words: Sequence[str]) -> str:
    """The longest beginning in the table; empty if there is none."""
    beginnings = (" ".join(words[:length]) for length in range(len(words), 0, -1))
    return next((one for one in beginnings if one in TOLD), "")


def test_every_command_is_run_by_a_test_or_it_is_said_why_not():
    unknown = [str(one) for one in ALL if not told(one.words)]

    assert unknown == [], f"say in TOLD of {__file__} which test runs them"


def test_every_beginning_is_that_of_a_command():
    assert set(TOLD) - {told(one.words) for one in ALL} == set()


@pytest.mark.parametrize("test", sorted({one for one in TOLD.values() if "::" in one}))
def test_the_tests_are_there(test):
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text())

    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_make_has_the_targets():
    text = (ROOT / "Makefile").read_text()
    targets = {one.words[1] for one in those("make")}

    assert [one for one in targets if not re.search(rf"^{one}:", text, flags=re.MULTILINE)] == []


@pytest.mark.parametrize("one", [*those("optoscope"), *those("python", "-m", "worker")], ids=str)
def test_programs_parse_their_commands(one, capsys):
    parser, given = parser_of(one.words)
    if one.in_prose and len(given) < 2:
        given = (*given, "--help")  # only named
    assert complaint(parser, given, capsys) == ""


def parser_of(words: Sequence[str]) -> tuple[argparse.ArgumentParser, Sequence[str]]:
    """What reads these words, and those that it reads."""
    if words[0] == "python":
        return worker.parser(), words[3:]
    if words[1] in SCIENCE:
        return worker.parser("optoscope"), words[1:]
    return (client_parser() if words[1] in NAMES else cli._parser()), words[1:]


def complaint(parser, given: Sequence[str], capsys) -> str:
    """What a parser says of words that it does not take."""
    with suppress(SystemExit):
        parser.parse_args(given)
    return capsys.readouterr().err


@pytest.mark.parametrize("one", those("curl"), ids=str)
def test_requests_are_ones_that_the_api_takes(one):
    method, address, body = request_of(one.words)
    route = routed(method, address.path)

    assert set(parse_qs(address.query)) <= asked_of(route.dependant)
    for model in models_of(route) if body is not None else ():
        TypeAdapter(model).validate_python(with_ids(body))


def asked_of(dependant: Any) -> set[str]:
    """What a query may say, to the handler or to what that depends on."""
    own = {one.alias for one in dependant.query_params}
    return own.union(*map(asked_of, dependant.dependencies))


def request_of(words: Sequence[str]) -> tuple[str, Any, Any]:
    method, body, address, rest = "GET", None, "", iter(words[1:])
    for word in rest:
        if word == "-X":
            method = next(rest)
        elif word in ("-d", "--data"):
            body = json.loads(next(rest))
        elif word == "-F":  # a file of a form, which is posted
            method = "POST"
            next(rest)
        elif word == "-H":
            next(rest)
        elif not word.startswith("-"):
            address = word
    return method, urlsplit(address if "://" in address else f"http://{address}"), body


def routed(method: str, path: str) -> APIRoute:
    assert path.startswith(api.PREFIX), path
    scope = {"type": "http", "method": method, "path": path.removeprefix(api.PREFIX)}
    parts = (part for part in vars(api).values() if isinstance(part, ModuleType))
    routes = (route for part in parts for route in getattr(part, "router", NO_ROUTES).routes)
    found = [route for route in routes if route.matches(scope)[0] is Match.FULL]
    assert found, f"no {method} {path}"
    return found[0]


def models_of(route: APIRoute) -> Iterator[Any]:
    """What a request's body has to be."""
    hints = get_type_hints(route.endpoint, include_extras=True)
    yield from (hints[one.name] for one in route.dependant.body_params)


def with_ids(body: Any) -> Any:
    """With an id of a run for each word that stands for one."""
    return json.loads(re.sub(r'"[A-Z]+"', f'"{"0" * 32}"', json.dumps(body)))


def test_files_that_are_written_by_hand_are_configs():
    shown = re.findall(r"^```json\n(.*?)^```", page("reference/config"), re.MULTILINE | re.DOTALL)
    written = [one.words[1] for one in those("echo")]

    assert shown
    assert written
    for text in (*shown, *written):
        RunConfig.model_validate_json(text)


def test_the_features_that_are_made_by_hand_are_read(tmp_path, monkeypatch):
    [program] = re.findall(
        r"^```python\n(.*?)^```", page("how-to/own-data"), re.MULTILINE | re.DOTALL
    )
    monkeypatch.chdir(tmp_path)

    exec(program, {})

    with open_data_file(tmp_path / "features.npz") as file:
        file.check_finite()
        assert file.features.shape == (200, 20, 512)


def page(name: str) -> str:
    return (ROOT / f"docs/{name}.md").read_text()


def test_the_script_of_secrets_makes_those_that_compose_declares(tmp_path):
    subprocess.run(["sh", ROOT / "deploy/compose/secrets.sh"], cwd=tmp_path, check=True)
    compose = (ROOT / "docker-compose.yml").read_text()

    made = {f"./secrets/{path.name}" for path in (tmp_path / "secrets").iterdir()}
    assert made <= set(re.findall(r"\./secrets/\w+", compose)), made


@pytest.mark.parametrize("one", [*those("docker"), *those("kubectl"), *those("sbatch")], ids=str)
def test_files_that_commands_name_are_there(one):
    paths = [word for word in one.words if "/" in word or Path(word).suffix in (".yml", ".yaml")]

    assert [path for path in paths if not os.path.exists(ROOT / path)] == []


@pytest.mark.parametrize(
    ("shell", "found"),
    [
        ("make run  # and then wait", [("make", "run")]),
        ("A=1 B='x y' optoscope up > log.txt", [("optoscope", "up")]),
        ("a \\\n    b && c | d", [("a", "b"), ("c",), ("d",)]),
        ("$ curl -d '{\n  \"a\": 1\n}' x", [("curl", "-d", '{\n  "a": 1\n}', "x")]),
    ],
)
def test_shell_is_read_as_commands(shell, found):
    assert list(typed(shell)) == found
