"""Secrets that are files: addresses whole, or their passwords alone."""

import pytest
from pydantic import SecretStr

from app.config import Settings
from app.secret_files import ADDRESSES, with_password
from app.services.runs.outbox import broker_url
from app.stack.environment import checked_settings
from app.stack.trouble import StackError


@pytest.fixture
def told(monkeypatch, tmp_path):
    """Writes a file and tells the environment of it."""
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(f"OPTOSCOPE_{name}", raising=False)

    def told(**secrets: str) -> None:
        for name, content in secrets.items():
            (tmp_path / name).write_text(content)
            monkeypatch.setenv(f"OPTOSCOPE_{name.upper()}_FILE", str(tmp_path / name))

    return told


def test_addresses_and_passwords_are_read_from_their_files(told, monkeypatch):
    told(database_url="postgresql://me@db/x\n", database_password="a:b/c@d\n", redis_password="p\n")
    monkeypatch.setenv("OPTOSCOPE_REDIS_URL", "rediss://cache:6380/0")

    settings = checked_settings()

    assert settings.database_url == "postgresql+psycopg://me:a%3Ab%2Fc%40d@db/x"
    assert settings.redis_url == "rediss://:p@cache:6380/0"


def test_every_secret_may_be_in_a_file():
    fields = Settings.model_fields
    secrets = {name for name, field in fields.items() if field.annotation is SecretStr}

    assert secrets >= {"token", "database_password", "redis_password"}
    for name in (*secrets, *ADDRESSES):
        assert f"{name}_file" in fields


def test_a_file_that_cannot_be_read_is_named(told, monkeypatch):
    told(database_url="postgresql://me@db/x", redis_url=" \n")
    with pytest.raises(StackError, match=r"^OPTOSCOPE_REDIS_URL_FILE, .*, is empty\.$"):
        checked_settings()
    monkeypatch.setenv("OPTOSCOPE_REDIS_URL_FILE", "/nowhere")
    with pytest.raises(StackError, match=r"^OPTOSCOPE_REDIS_URL_FILE cannot be read: .*No such"):
        checked_settings()


def test_an_address_with_a_password_and_one_of_a_socket_stay():
    for url in ("redis://:old@host/0", "postgresql://me@/x?host=/run", "unix:///run/redis.sock"):
        assert with_password(url, "new") == url


def test_workers_check_the_certificate_of_the_queue_unless_told_otherwise():
    assert broker_url("rediss://h:6380/0") == "rediss://h:6380/0?ssl_cert_reqs=required"
    given = "rediss://h:6380/0?ssl_cert_reqs=none"
    assert broker_url(given) == given
