"""The console script `optoscope`."""

import argparse
import importlib.metadata
import os
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from app.schemas.datasets import NAMES
from app.stack.gpus import gpus
from app.stack.trouble import StackError
from app.stack.workers.ends import moment_of, seconds_of
from app.stack.workers.programs import cores

DATABASE, REDIS = "OPTOSCOPE_DATABASE_URL", "OPTOSCOPE_REDIS_URL"
ROOT_PATH = "OPTOSCOPE_ROOT_PATH"  # as the web server reads it, here or in a process of its own


def main(arguments: list[str] | None = None) -> int:
    """Does what the command line says; the exit status."""
    given = _parser().parse_args(arguments)
    try:
        COMMANDS[given.command](given)
    except StackError as error:
        sys.stderr.write(f"optoscope: {error}\n")
        return 1
    return 0


def _say(text: str) -> None:
    with suppress(OSError):  # nobody reads any more (a closed terminal): no reason to stop
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def _note(text: str) -> None:
    """Beside what a command writes, so that this can go into a file."""
    with suppress(OSError):
        sys.stderr.write(f"{text}\n")


def _up(given: argparse.Namespace) -> None:
    from app.stack.up import Options, up

    os.environ[ROOT_PATH] = given.root_path
    options = Options(given.host, given.port, given.data_dir, given.workers, given.least_free_mb)
    up(options, _say)


def _web(given: argparse.Namespace) -> None:
    from app.stack.door import check_token
    from app.stack.environment import checked_settings
    from app.stack.listener import listen
    from app.stack.web import serve_on

    _setting(DATABASE, "postgresql://user@host/name")
    _setting(REDIS, "redis://host:6379/0")
    os.environ[ROOT_PATH] = given.root_path
    checked_settings()  # the application would complain of them with a traceback
    listener = listen(given.host, given.port)
    with listener.socket:
        check_token(listener)
        serve_on(listener.socket)


def _worker(given: argparse.Namespace) -> None:
    from app.stack.workers.command import WorkerOptions, work

    _setting(DATABASE, "postgresql://user@host/name")
    _setting(REDIS, "redis://host:6379/0")
    work(WorkerOptions(given.data_dir, given.processes, given.until_idle, given.deadline), _say)


def _migrate(given: argparse.Namespace) -> None:
    from app.stack.servers.external import check_database
    from app.stack.tables import bring_up_to_date

    url = _database_url()
    check_database(url)
    bring_up_to_date(url)
    _say("The database has the tables of this version.")


def _ping(given: argparse.Namespace) -> None:
    from app.stack.environment import checked_settings
    from app.stack.servers.external import check_database, check_redis

    _setting(DATABASE, "postgresql://user@host/name")
    _setting(REDIS, "redis://host:6379/0")
    settings = checked_settings()
    check_database(settings.database_url)
    check_redis(settings.redis_url)
    _say("Both servers answer.")


def _health(given: argparse.Namespace) -> None:
    from app.stack.environment import checked_settings
    from app.stack.servers.external import check_redis
    from app.stack.workers.health import check_workers

    _setting(DATABASE, "postgresql://user@host/name")
    _setting(REDIS, "redis://host:6379/0")
    settings = checked_settings()
    check_redis(settings.redis_url)
    _say(f"{check_workers(settings)} of this machine's workers work.")


def _assets(given: argparse.Namespace) -> None:
    from app.stack.assets import VENDOR, ensure_assets

    done = "now has" if ensure_assets() else "already has"
    _say(f"{VENDOR} {done} the front-end libraries.")


def _import(given: argparse.Namespace) -> None:
    from app.importing import import_config

    import_config(given, _say, _note)


def _backup(given: argparse.Namespace) -> None:
    from app.backup import backup
    from app.stack.database import database_settings

    with database_settings(given.data_dir) as settings:
        backup(settings, given.file, _say)


def _restore(given: argparse.Namespace) -> None:
    from app.backup import restore
    from app.stack.database import database_settings

    with database_settings(given.data_dir) as settings:
        restore(settings, given.file, _say)


def _token(given: argparse.Namespace) -> None:
    from app.tokens import act

    act(given, _database_url(), _say)


COMMANDS = {
    "up": _up,
    "web": _web,
    "worker": _worker,
    "token": _token,
    "backup": _backup,
    "restore": _restore,
    "import": _import,
    "migrate": _migrate,
    "ping": _ping,
    "health": _health,
    "assets": _assets,
}


def _setting(name: str, example: str) -> None:
    """Raises unless the environment says it, or which file holds it."""
    from app.stack.environment import named

    if not named(name):
        raise StackError(
            f"{name} is not set; write {example}, or its file to {name}_FILE "
            "(`optoscope up` needs none)."
        )


def _database_url() -> str:
    """The database that the environment names, for commands that need no queue."""
    from app.stack.environment import checked_settings

    _setting(DATABASE, "postgresql://user@host/name")
    return checked_settings(redis_url="redis://unused").database_url


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="optoscope", description="Watch circuits form in small transformers."
    )
    version = importlib.metadata.version("optoscope")
    parser.add_argument("--version", action="version", version=f"Optoscope {version}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    defaults = argparse.ArgumentDefaultsHelpFormatter
    _add_up(
        commands.add_parser("up", help="start everything on this machine", formatter_class=defaults)
    )
    web = commands.add_parser(
        "web", help="serve pages and API alone, with the servers that the environment names"
    )
    _add_address(web)
    _add_worker(
        commands.add_parser(
            "worker", help="train alone, with the servers that the environment names"
        )
    )
    _add_token(commands.add_parser("token", help="create, list or revoke tokens"))
    _add_archive(commands.add_parser("backup", help="write all runs and weights into one file"))
    _add_archive(commands.add_parser("restore", help="read such a file into an empty database"))
    _add_import(commands.add_parser("import", help="read a config of the published code"))
    commands.add_parser("migrate", help="bring the database at OPTOSCOPE_DATABASE_URL up to date")
    commands.add_parser("ping", help="whether the servers that the environment names answer")
    commands.add_parser("health", help="whether the workers of this machine work")
    commands.add_parser("assets", help="fetch the front-end libraries")
    return parser


def _add_up(up: argparse.ArgumentParser) -> None:
    up.description = (
        "Starts Postgres and Valkey in the data directory, applies migrations, starts workers and "
        "the web server. With OPTOSCOPE_DATABASE_URL or OPTOSCOPE_REDIS_URL set it uses those."
    )
    _add_address(up)
    up.add_argument("--data-dir", type=_folder, default=Path(".optoscope"), help="what is kept")
    up.add_argument(
        "--workers",
        type=_count,
        default=len(gpus()) or cores(),
        help="each trains runs on a GPU of its own, or where there is none on a core",
    )
    least = os.environ.get("OPTOSCOPE_LEAST_FREE_MB", "500")  # parsed as if it were given
    room = "free disk space to start with; workers take no run while there is less"
    up.add_argument("--least-free-mb", type=int, default=least, help=room)


def _add_address(parser: argparse.ArgumentParser) -> None:
    public = "address to serve on; one that others can reach takes a token (OPTOSCOPE_TOKEN)"
    parser.add_argument("--host", default="127.0.0.1", help=public)
    below = "path below which a proxy serves it, such as /proxy/8000"
    at = os.environ.get(ROOT_PATH, "")
    parser.add_argument("--root-path", metavar="PATH", default=at, help=below)
    parser.add_argument(
        "--port", type=_port, default=8000, help="port to serve on; 0: any free one"
    )


def _add_worker(worker: argparse.ArgumentParser) -> None:
    worker.description = (
        "Starts a worker process for every GPU that is visible, or one for the processor, and "
        "starts again what dies. SIGTERM: runs in training are saved and given back."
    )
    at = Path(os.environ.get("OPTOSCOPE_DATA_DIR") or ".optoscope")
    worker.add_argument(
        "--data-dir", type=_folder, default=at, help="for logs and compiled programs"
    )
    each = "how many; by default one for every GPU, or one"
    worker.add_argument("--processes", type=_count, default=len(gpus()) or 1, help=each)
    idle = "end, with exit code 0, when nothing was to do for so long, such as 60s"
    worker.add_argument("--until-idle", type=_duration, metavar="TIME", help=idle)
    late = "be gone by then, such as 3h, 17:30 or @1764264600; runs in training are given back"
    worker.add_argument("--deadline", type=_deadline, metavar="TIME", help=late)


def _duration(text: str) -> float:
    try:
        return seconds_of(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _deadline(text: str) -> datetime:
    try:
        return moment_of(text, datetime.now().astimezone())
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _add_import(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Reads a config of the paper's published code (its config.json: train_iters, "
        "opto_ablate_heads ...) and writes the run config that is the same here. What was ignored "
        "and what differs is said beside it. Launch it with POST /api/v1/runs, or train it with "
        "`optoscope train`."
    )
    parser.add_argument("config", type=Path, metavar="CONFIG.json", help="what that code saved")
    parser.add_argument("--out", type=Path, metavar="FILE", help="where to write; else to stdout")
    parser.add_argument("--dataset", help=f"{NAMES} or file:PATH, in place of data_file")
    for way in ("in", "out"):
        parser.add_argument(
            f"--graft-{way}",
            metavar="RUN@SEQUENCES",
            help=f"in place of opto_graft_{way}_model_ckpt, which cannot be read here",
        )


def _add_token(parser: argparse.ArgumentParser) -> None:
    from app.tokens import add_parser

    add_parser(parser)


def _add_archive(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Of the database that OPTOSCOPE_DATABASE_URL names, or of the data directory; the server "
        "may run and train meanwhile."
    )
    parser.add_argument("file", type=Path, metavar="FILE.tar")
    parser.add_argument("--data-dir", type=_folder, default=Path(".optoscope"))


def _folder(text: str) -> Path:
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; write the path of a directory, such as .")
    return Path(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port; write a number up to 65535")
    return int(text)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) > 64:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of workers from 0 to 64")
    return int(text)
