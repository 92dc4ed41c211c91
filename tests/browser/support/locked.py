"""A second web server of the same program: other machines can reach it, it asks for a token."""

import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import httpx

from tests.browser.support.program import OPTOSCOPE, START_SECONDS, STOP_SECONDS, Program
from tests.integration.support.web_server import free_port

TOKEN = "the token of this server"


@contextmanager
def locked_web(program: Program, *options: str, **settings: str) -> Iterator[str]:
    """Its address on this machine, until the block ends. The program's workers train its runs."""
    port, log = free_port(), program.log.with_name("locked.log")
    environment = {**os.environ, **servers_of(program), "OPTOSCOPE_TOKEN": TOKEN, **settings}
    command = [OPTOSCOPE, "web", "--host", "0.0.0.0", "--port", str(port), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, log.read_text()
        try:
            return httpx.get(f"{url}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    try:
        program.until(answers, "answer of the locked web server", START_SECONDS)
        yield url
    finally:
        process.terminate()
        process.wait(timeout=STOP_SECONDS)


def servers_of(program: Program) -> dict[str, str]:
    """Where the servers of the embedded stack are."""
    # Line 5: the folder of its socket.
    sockets = (program.data / "postgres/cluster/postmaster.pid").read_text().splitlines()[4]
    queue = (program.data / "valkey/valkey.conf").read_text()
    found = dict(re.findall(r"^(port|requirepass) (\S+)", queue, re.M))
    return {
        "OPTOSCOPE_DATABASE_URL": f"postgresql://postgres@/postgres?host={quote(sockets, safe='')}",
        "OPTOSCOPE_REDIS_URL": f"redis://:{found['requirepass']}@127.0.0.1:{found['port']}/0",
        "OPTOSCOPE_DATA_DIR": str(program.data),
    }
