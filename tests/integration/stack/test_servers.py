"""Postgres and Valkey from their wheels, in directories and accidents of every kind."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest
import redis

from app.stack.servers import account, postgres
from app.stack.servers.start import start_servers
from app.stack.trouble import StackError


@pytest.fixture
def place():
    """A directory whose parents Postgres, which root runs as another user, may enter."""
    path = Path(tempfile.mkdtemp(prefix="optoscope-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def write(url):
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")


def read(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT number FROM kept").fetchone()


def test_both_keep_what_they_were_told_when_killed(place):
    with (
        start_servers(place, durable=False) as servers,
        redis.Redis.from_url(servers.redis_url) as client,
    ):
        write(servers.database_url)
        client.rpush("queue", "message")

        for child in (servers.postgres, servers.valkey):
            child.kill()
            child.restart()

        assert read(servers.database_url) == (7,)
        assert client.lrange("queue", 0, -1) == [b"message"]


def test_data_outlive_the_servers_and_locks_of_dead_ones_are_forgotten(place):
    with start_servers(place, durable=False) as servers:
        write(servers.database_url)
    # As after a power cut and a restart: the lock names a process that is somebody else now.
    for lock in (place / "postgres/cluster/postmaster.pid", place / "postgres/.s.PGSQL.5432.lock"):
        lock.write_text(f"{os.getpid()}\n{place}\n1\n5432\n{place}\n\n  1 1\n")

    with start_servers(place, durable=False) as servers:
        assert read(servers.database_url) == (7,)


def test_a_cluster_left_half_made_is_made_again(place):
    (place / "postgres" / "cluster.new").mkdir(parents=True)
    (place / "postgres" / "cluster.new" / "PG_VERSION").write_text("18\n")

    with start_servers(place, durable=False) as servers:
        write(servers.database_url)


@pytest.mark.parametrize("name", ["long" * 30, 'it\'s "mine", 100% of \\ ünï', "two words"])
def test_directories_of_any_name_work(place, name):
    with start_servers(place / name, durable=False) as servers:
        write(servers.database_url)
        sockets = Path(psycopg.conninfo.conninfo_to_dict(servers.database_url)["host"])
        assert len(str(sockets)) < 100
    if place not in sockets.parents:
        sockets.rmdir()


def test_strangers_are_kept_out(place):
    with start_servers(place, durable=False) as servers:
        socket = place / "postgres" / ".s.PGSQL.5432"
        assert socket.stat().st_mode & 0o777 == 0o700
        assert (place / "valkey" / "valkey.conf").stat().st_mode & 0o777 == 0o600
        anonymous = f"redis://{servers.redis_url.rpartition('@')[2]}"
        with (
            redis.Redis.from_url(anonymous) as client,
            pytest.raises(redis.AuthenticationError),
        ):
            client.ping()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Postgres runs as another user")
def test_what_roots_postgres_cannot_reach_is_kept_elsewhere(place, monkeypatch):
    monkeypatch.setattr(account, "REFUGE", place / "refuge")
    (place / "closed").mkdir(mode=0o700)
    closed = place / "closed" / "data"

    with start_servers(closed, durable=False) as servers:
        write(servers.database_url)
    with start_servers(closed, durable=False) as servers:
        assert read(servers.database_url) == (7,)

    assert (closed / "postgres").is_symlink()
    assert (closed / "postgres").resolve().parent == place / "refuge"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's Postgres runs as another user")
def test_programs_that_roots_postgres_cannot_reach_are_copied(place, monkeypatch):
    monkeypatch.setattr(account, "REFUGE", place / "refuge")
    package = place / "closed" / "package"
    (package / "bin").mkdir(parents=True)
    shutil.copy("/bin/true", package / "bin" / "true")
    (place / "closed").chmod(0o700)
    nobody = account.server_account()
    assert nobody is not None
    assert not account.reaches(nobody, package / "bin" / "true")

    copy = account.reachable_copy(package, ("package",), "package/bin/true", "1.0")

    assert account.reaches(nobody, copy / "package" / "bin" / "true")
    assert subprocess.run([copy / "package" / "bin" / "true"], check=False).returncode == 0


def test_two_first_starts_by_root_at_once_share_a_copy(place, monkeypatch):
    """The second is through while the first still copies."""
    monkeypatch.setattr(account, "REFUGE", place / "refuge")
    package = place / "package"
    (package / "bin").mkdir(parents=True)
    shutil.copy("/bin/true", package / "bin" / "true")
    copytree, others = shutil.copytree, []

    def copy() -> Path:
        return account.reachable_copy(package, ("package",), "package/bin/true", "1.0")

    def copied(*given, **options):
        monkeypatch.setattr(account.shutil, "copytree", copytree)
        others.append(copy())
        return copytree(*given, **options)

    monkeypatch.setattr(account.shutil, "copytree", copied)

    assert copy() == others[0]
    assert [path.name for path in (place / "refuge").iterdir()] == ["package-1.0"]


def test_a_copy_for_which_there_is_no_room_is_told_and_leaves_nothing(place, monkeypatch):
    monkeypatch.setattr(account, "REFUGE", place / "refuge")

    with pytest.raises(StackError, match="could not be copied"):
        account.reachable_copy(place / "nothing", ("nothing",), "nothing/bin/true", "1.0")

    assert list((place / "refuge").iterdir()) == []


@pytest.mark.parametrize("left", ["", "\n", "no number\n", "-999999\n"])
def test_locks_that_were_cut_off_are_forgotten(place, left):
    cluster = place / "cluster"
    cluster.mkdir()
    lock = cluster / "postmaster.pid"
    lock.write_text(left)

    postgres._forget_dead_server(cluster, place)

    assert not lock.exists()


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("17\n", "optoscope backup FILE.tar --data-dir {place}`.*optoscope restore FILE.tar"),
        ("", "is no database of Postgres any more.*optoscope restore FILE.tar"),
        (None, "is no database of Postgres any more.*optoscope restore FILE.tar"),
    ],
)
def test_a_cluster_of_another_version_is_refused_with_the_commands_that_help(place, version, said):
    cluster = place / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    if version is not None:
        (cluster / "PG_VERSION").write_text(version)

    with (
        pytest.raises(StackError, match=said.format(place=place)),
        start_servers(place, durable=False),
    ):
        pass
