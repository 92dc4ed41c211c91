"""The account under which Postgres runs when Optoscope is started by root, which it refuses.

It is `nobody`: every system has it, so that nothing has to be added to the machine. What it cannot
reach (a checkout in /root) is kept in /var/lib/optoscope instead, so that no directory has to be
opened to others.
"""

import os
import pwd
import shutil
import stat
import subprocess
import tempfile
from pathlib import Path

from app.stack.child import Account
from app.stack.trouble import StackError

NAME = "nobody"
REFUGE = Path("/var/lib/optoscope")


def server_account() -> Account | None:
    """Whom a server that refuses root runs as; `None`: as we do."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        raise StackError(
            f"Postgres refuses to run as root and there is no user {NAME!r} to run it as; "
            "start Optoscope as an ordinary user, or set OPTOSCOPE_DATABASE_URL."
        ) from None
    return Account(entry.pw_uid, entry.pw_gid)


def reaches(account: Account, path: Path) -> bool:
    """Whether the account may run the program, or enter the directory, at `path`."""
    asked = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$0"', str(path)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return asked.returncode == 0


def own_directory(path: Path, account: Account | None) -> Path:
    """A directory that the account can use: at `path`, or in the refuge with a link to it."""
    # Followed and not made anew: the link says where the database of before is.
    if path.is_symlink():
        return path.resolve()
    path.mkdir(mode=0o700, exist_ok=True)
    if account is None:
        return path
    _refuse_if_of_another(path, account)
    _give(path, account)
    _open_data_directory(path.parent)
    if reaches(account, path):
        return path
    return _move_to_refuge(path, account)


def reachable_copy(package: Path, needed: tuple[str, ...], program: str, version: str) -> Path:
    """A copy of parts of an installed package, for an account that cannot enter our checkout."""
    copy = REFUGE / f"{package.name}-{version}"
    if not (copy / program).exists():
        # Other Optoscopes share the refuge: each copies under a name of its own.
        half = Path(tempfile.mkdtemp(prefix=".copy-", dir=_refuge()))
        try:
            for part in needed:
                shutil.copytree(package.parent / part, half / part, symlinks=True)
            # Before it has its name: under that it must be usable at once.
            half.chmod(0o755)
            _name_copy(half, copy, program)
        except OSError as error:
            raise StackError(f"{package} could not be copied to {REFUGE}: {error}.") from None
        finally:
            shutil.rmtree(half, ignore_errors=True)  # nothing, once it has its name
    return copy


def _name_copy(half: Path, copy: Path, program: str) -> None:
    try:
        half.rename(copy)
    except OSError:
        # Another start was as far at the same time: its copy is as good.
        if not (copy / program).exists():
            raise


def _refuse_if_of_another(path: Path, account: Account) -> None:
    owner = path.stat().st_uid
    if owner not in (account.uid, os.geteuid()):
        raise StackError(
            f"The database in {path} belongs to user {_name_of(owner)}; start Optoscope as that "
            "user, or choose another directory with --data-dir."
        )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _open_data_directory(directory: Path) -> None:
    """Lets others through the data directory, which is ours, but not see what is in it."""
    if directory != Path.home():
        directory.chmod(directory.stat().st_mode | stat.S_IXGRP | stat.S_IXOTH)


def _move_to_refuge(path: Path, account: Account) -> Path:
    """Nothing is moved really: the directory is new, else the account had reached it before."""
    if any(path.iterdir()):
        raise StackError(
            f"{path} holds a database, but user {NAME!r}, as whom root's Postgres runs, cannot "
            "enter a directory above it; start Optoscope as the user that made it."
        )
    kept = Path(tempfile.mkdtemp(prefix="data-", dir=_refuge()))
    _give(kept, account)
    path.rmdir()
    path.symlink_to(kept)
    return kept


def _give(path: Path, account: Account) -> None:
    os.chown(path, account.uid, account.gid)
    path.chmod(0o700)


def _refuge() -> Path:
    try:
        REFUGE.mkdir(mode=0o755, exist_ok=True)
        REFUGE.chmod(0o755)
    except OSError as error:
        raise StackError(
            f"Postgres, which root must run as user {NAME!r}, can neither reach the data "
            f"directory nor use {REFUGE} ({error.strerror}); choose a --data-dir that others may "
            "enter, or start Optoscope as an ordinary user."
        ) from None
    return REFUGE
