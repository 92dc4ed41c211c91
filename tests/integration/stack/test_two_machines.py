"""Machines that share Postgres, Valkey and an S3 server, and nothing else, train one study.

Each has a network, a home, a data directory and settings of its own: those that
`deploy/compose/worker.yml` gives it, with TLS and with passwords from files.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text

from tests.integration.support.network.machines import Machine, network
from tests.integration.support.network.tls import certificate_for, door
from tests.integration.support.recorded import events, has_resume_point, numbers, row, state
from tests.integration.support.s3 import BUCKET, s3_server
from tests.integration.support.wait import sweep, until
from tests.integration.support.worker_process import parent_of, tiny

OPTOSCOPE = Path(sys.executable).parent / "optoscope"
CONFIG = tiny(
    training={"sequences": 38_400},  # long enough to be in training when its machine is unplugged
    recording={"evaluate_every": 800, "frame_every": 6400, "checkpoint_every": 6400},
)
# The same training twice: what one resumes, the other shows undisturbed.
TWINS = {"field": "recording.checkpoint_every", "values": [6400, 12_800]}


@dataclass
class Lab:
    """Machines, and what each is told of the servers."""

    machines: list[Machine]
    told: dict[str, str]
    folder: Path

    @contextmanager
    def works(self, machine: Machine, *options: str) -> Iterator["subprocess.Popen[bytes]"]:
        """`optoscope worker` there, until the block ends."""
        home = self.folder / machine.name
        home.mkdir()
        own = {"HOME": home, "TMPDIR": home, "OPTOSCOPE_DATA_DIR": home / "data"}
        with (home / "said").open("wb") as log:
            process = subprocess.Popen(
                [*machine.prefix, OPTOSCOPE, "worker", *options],
                env=self.told | {name: str(value) for name, value in own.items()},
                stdout=log,
                stderr=log,
                cwd=home,
            )
        try:
            yield process
        finally:
            process.kill()  # its children go with it
            process.wait()


@pytest.fixture
def lab(settings, tmp_path) -> Iterator[Lab]:
    with ExitStack() as stack:
        net = stack.enter_context(network(["first", "second"]))
        address = net.address
        certificate = certificate_for(address, tmp_path)
        socket_file = f"{parse_qs(urlsplit(settings.database_url).query)['host'][0]}/.s.PGSQL.5432"
        valkey = urlsplit(settings.redis_url)
        doors = [
            stack.enter_context(door(net.listener(), reach, certificate, is_postgres=is_postgres))
            for reach, is_postgres in (
                (lambda: reached(socket_file), True),
                (lambda: socket.create_connection((valkey.hostname, valkey.port)), False),
            )
        ]
        s3 = urlsplit(stack.enter_context(s3_server(tmp_path / "s3.log")))
        bucket = stack.enter_context(
            door(net.listener(), lambda: socket.create_connection((s3.hostname, s3.port)))
        )
        secrets = {
            "database_password": "unasked",
            "redis_password": valkey.password,
            "s3": "[default]\naws_access_key_id = test\naws_secret_access_key = test\n",
        }
        for name, content in secrets.items():
            (tmp_path / name).write_text(content)
        told = {
            "DATABASE_URL": f"postgresql://postgres@{address}:{doors[0]}/postgres"
            f"?sslmode=verify-full&sslrootcert={certificate.public}",
            "REDIS_URL": f"rediss://{address}:{doors[1]}/0"
            f"?ssl_cert_reqs=required&ssl_ca_certs={certificate.public}",
            "DATABASE_PASSWORD_FILE": tmp_path / "database_password",
            "REDIS_PASSWORD_FILE": tmp_path / "redis_password",
            "STORE_URL": f"s3://{BUCKET}/checkpoints",
            "LEASE_SECONDS": 3,
            "RESUME_SECONDS": 0.5,
            "COMPILE": "false",
            "DEVICE": "cpu",
        }
        environment = {
            **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
            **{f"OPTOSCOPE_{name}": str(value) for name, value in told.items()},
            "AWS_ENDPOINT_URL_S3": f"http://{address}:{bucket}",
            "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "s3"),
            "AWS_DEFAULT_REGION": "us-east-1",
        }
        yield Lab(net.machines, environment, tmp_path)


def reached(socket_file: str) -> socket.socket:
    server = socket.socket(socket.AF_UNIX)
    server.connect(socket_file)
    return server


@pytest.mark.slow  # three trainers load torch, and a lease ends
def test_a_machine_that_dies_is_followed_by_another_that_resumes_its_run_bit_for_bit(
    lab, client, engine, outbox
):
    first, second = lab.machines
    with lab.works(first) as dies, lab.works(second):
        until(lambda: len(client.get("/api/v1/workers").json()["workers"]) == 2, seconds=60)
        base = CONFIG.model_dump(mode="json")
        study = client.post("/api/v1/studies", json={"base": base, "axes": [TWINS]}).json()
        ids = [run["id"] for run in study["runs"]]
        until(lambda: all(row(engine, run).worker for run in ids), seconds=60)
        (taken,) = (run for run in ids if is_of(dies, row(engine, run).worker))
        until(has_resume_point(engine, taken), seconds=60)

        first.unplug()
        dies.kill()
        assert state(engine, taken) == "running"
        until(lambda: sweep(engine, outbox) or state(engine, taken) != "running", seconds=40)
        until(lambda: {state(engine, run) for run in ids} == {"finished"}, seconds=120)

    told = [kind for kind, _ in events(engine, taken) if kind != "phase_change"]
    assert (told[:4], told[-1]) == (["queued", "starting", "running", "lost"], "finished")
    assert any(message.startswith("Resumed at ") for _, message in events(engine, taken))
    (twin,) = {*ids} - {taken}
    assert numbers(engine, taken) == numbers(engine, twin)
    saved, undisturbed = weights(engine, taken), weights(engine, twin)
    common = saved.keys() & undisturbed.keys()
    assert common == {0, 12_800, 25_600, 38_400}
    assert all(saved[place] == undisturbed[place] for place in common)


def is_of(process: "subprocess.Popen[bytes]", worker: str) -> bool:
    """Whether the command has started this worker."""
    return parent_of(int(worker.rpartition("-")[2])) == process.pid


def weights(engine, run_id: str) -> dict[int, str]:
    """Hashes of the checkpoints, by their places."""
    query = text("SELECT sequences, sha256 FROM checkpoint WHERE run_id = :id")
    with engine.connect() as connection:
        return {row.sequences: row.sha256 for row in connection.execute(query, {"id": run_id})}
