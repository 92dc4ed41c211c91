"""Postgres and Valkey from their wheels, in directories and accidents of every kind."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest
import redis

from app.stack.servers import account
from app.stack.servers.start import start_servers


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
