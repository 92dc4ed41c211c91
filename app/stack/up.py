"""`optoscope up`: everything that Optoscope needs, as children of this process."""

import hashlib
import http.client
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from app.config import Settings
from app.stack.assets import ensure_assets
from app.stack.child import Child, Program
from app.stack.compiler import compiler_warning
from app.stack.door import check_token
from app.stack.environment import checked_settings, named
from app.stack.first_run import queue_first_run
from app.stack.gpus import gpus
from app.stack.leftovers import end_leftovers
from app.stack.listener import Listener, listen
from app.stack.places import DataDir, open_data_dir, sole_use
from app.stack.servers.external import check_database, check_redis, without_password
from app.stack.servers.postgres import postgres
from app.stack.servers.valkey import valkey
from app.stack.signals import StopSignals
from app.stack.supervisor import Say, stop_all, watch
from app.stack.tables import bring_up_to_date
from app.stack.web import GRACE_SECONDS
from app.stack.workers.programs import devices, worker_program

DATABASE, REDIS = "OPTOSCOPE_DATABASE_URL", "OPTOSCOPE_REDIS_URL"


@dataclass(frozen=True)
class Options:
    """What the command line says."""

    host: str
    port: int
    data_dir: Path
    workers: int
    least_free_mb: int


def up(options: Options, say: Say) -> None:
    """Starts everything, watches it, and stops all of it when asked to."""
    signals = StopSignals()
    # Before anything is started: a Ctrl-C from here on is noted, and what has been started by then
    # is stopped in order.
    signals.install()
    with ExitStack() as stack:
        data = open_data_dir(options.data_dir, least_free_mb=options.least_free_mb)
        # Before the leftovers: with the lock in hand, what the records name can be nobody's who
        # lives.
        note_holder = stack.enter_context(sole_use(data))
        # Before the servers: a Postgres of before would refuse us its cluster, a worker of before
        # would take runs that this start's workers are to have.
        end_leftovers(data.records)
        # Before the servers, so that a port that is taken costs no start; and kept until the end
        # of the block, over every restart of the web server.
        listener = listen(options.host, options.port)
        stack.enter_context(listener.socket)
        check_token(listener)
        note_holder(f"process {os.getpid()}, {listener.url}")
        _prepare(data, say)
        servers, settings = _servers(data)
        # The stack unwinds backwards: web and workers stop first, and find Postgres and the queue
        # still there to give their runs back to.
        _launch(servers, stack, signals)
        programs = _programs(settings, data, listener, options)
        if not signals.stopping():
            # No process of ours uses the tables yet. Others may, where the database is somebody
            # else's.
            bring_up_to_date(settings.database_url)
            queue_first_run(settings)
            _launch(programs, stack, signals)
        if not signals.stopping():
            say(_welcome(listener, data, settings))
        # In this thread, which lives as long as we do: the kernel ends a child with the thread
        # that started it, see `child`.
        watch([*servers, *programs], stopping=signals.stopping, say=say)
        say("Stopping: a run in training is kept, and goes on at the next start.")
    say("Stopped.")


def _prepare(data: DataDir, say: Say) -> None:
    if ensure_assets():
        say("Fetched the front-end libraries.")
    warning = compiler_warning()
    if warning:
        say(f"Note: {warning}")


def _servers(data: DataDir) -> tuple[list[Child], Settings]:
    """The servers that are ours to run, and the settings that lead to all of them."""
    children = []
    given: dict[str, str] = {}
    if named(DATABASE):
        url = checked_settings(redis_url="redis://", data_dir=data.root).database_url
        check_database(url)
    else:
        program, given["database_url"] = postgres(data)
        children.append(Child(program, data))
    if named(REDIS):
        check_redis(checked_settings(database_url="postgresql://").redis_url)
    else:
        program, given["redis_url"] = valkey(data)
        children.append(Child(program, data))
    return children, checked_settings(data_dir=data.root, **given)


def _programs(
    settings: Settings, data: DataDir, listener: Listener, options: Options
) -> list[Child]:
    """Our own processes: the web server and the workers."""
    environment = {
        DATABASE: settings.database_url,
        REDIS: settings.redis_url,
        "OPTOSCOPE_DATA_DIR": str(data.root),
        "OPTOSCOPE_LEAST_FREE_MB": str(options.least_free_mb),  # to start with, and to go on with
        "TORCHINDUCTOR_CACHE_DIR": str(data.compiled),
        "PYTHONUNBUFFERED": "1",
    }
    programs = [_web(listener, environment)]
    # Names of workers must differ from those of other machines and directories.
    place = hashlib.sha256(os.fsencode(data.root)).hexdigest()[:6]
    programs += [
        worker_program(number + 1, place, environment | on)
        for number, on in enumerate(devices(options.workers, gpus()))
    ]
    return [Child(program, data) for program in programs]


def _web(listener: Listener, environment: dict[str, str]) -> Program:
    descriptor = listener.socket.fileno()
    return Program(
        name="Web",
        command=(sys.executable, "-m", "app.stack.web", str(descriptor)),
        ready=_is_healthy(listener),
        environment=environment,
        descriptors=(descriptor,),
        grace_seconds=GRACE_SECONDS + 2.0,
    )


def _is_healthy(listener: Listener) -> Callable[[], bool]:
    host, port = listener.local_host, listener.port

    def ready() -> bool:
        connection = http.client.HTTPConnection(host, port, timeout=2)
        try:
            connection.request("GET", "/healthz")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    return ready


def _launch(children: list[Child], stack: ExitStack, signals: StopSignals) -> None:
    """Starts children side by side and waits for all; the stack stops them at the end."""
    # Before the first start: if the second fails, the first is stopped all the same.
    stack.callback(stop_all, children, hurry=signals.hurry)
    for child in children:
        child.start()
    # All are started before any is waited for: they get ready side by side.
    for child in children:
        child.await_ready(interrupted=signals.stopping)


def _welcome(listener: Listener, data: DataDir, settings: Settings) -> str:
    lines = [
        "Optoscope is up.",
        "",
        f"  Address   {listener.url}{settings.root_path}",
        f"  Data      {data.root}",
    ]
    if named(DATABASE):
        lines.append(f"  Database  {without_password(settings.database_url)}")
    elif data.postgres.is_symlink():
        lines.append(f"  Database  {data.postgres.resolve()}, where Postgres can reach it")
    if named(REDIS):
        lines.append(f"  Queue     {without_password(settings.redis_url)}")
    lines += [f"  Logs      {data.logs}", "  Stop      Ctrl-C", ""]
    if settings.access_token:
        lines.insert(1, "Log in with the token of OPTOSCOPE_TOKEN.")
    return "\n".join(lines)
