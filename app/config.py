"""Settings of the services, from the environment (`OPTOSCOPE_*`). Built once, passed down.

Experiment parameters are not settings: they are `RunConfig`, stored with the run.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app.logs import LogFormat, without_passwords
from app.root_path import checked_root
from app.secret_files import with_secrets

SHORTEST_TOKEN = 16  # characters
ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")


class Settings(BaseSettings):
    """Where things are and how long to wait for them."""

    model_config = SettingsConfigDict(
        env_prefix="OPTOSCOPE_",
        frozen=True,
        hide_input_in_errors=True,  # else a wrong address is shown with its password
        use_attribute_docstrings=True,  # what the reference of the settings says of each
    )

    database_url: str
    """The database: `postgresql://user:password@host/name`."""
    redis_url: str
    """Valkey or Redis: `redis://host:6379/0`, `rediss://...`, or a socket: `unix://...`."""
    # How they come together: `app/secret_files.py`.
    database_url_file: Path | None = None
    """A file that holds the address of the database."""
    redis_url_file: Path | None = None
    """A file that holds the address of Valkey or Redis."""
    database_password: SecretStr = SecretStr("")
    """The password for the database, put into an address that has none."""
    database_password_file: Path | None = None
    """A file that holds the password for the database."""
    redis_password: SecretStr = SecretStr("")
    """The password for Valkey or Redis, put into an address that has none."""
    redis_password_file: Path | None = None
    """A file that holds the password for Valkey or Redis."""
    pg_bin: Path | None = None
    """The folder of `postgres` and `initdb`, 17 or newer, for `optoscope up` instead of its
    wheel's: `pg_config --bindir` says it."""
    data_dir: Path = Path(".optoscope")
    """The folder for logs, and for checkpoints if no store is named."""
    store_url: str = ""
    """Where checkpoints go, in any scheme that fsspec knows: `file:///...`, `s3://bucket/place`.
    Empty: the folder `checkpoints` in the data directory."""
    # Five renewals and several sweeps of the reaper must fit in. Workers give it and keep it; web
    # servers only compare, so they need not be told.
    lease_seconds: float = Field(15.0, gt=0)
    """A run whose trainer was silent for so long is lost, and given to another. Of workers."""
    # Far more than an update takes, or a program to be compiled: a run that only takes its time
    # would be tried again and again.
    stall_seconds: float = Field(600.0, gt=0)
    """A trainer that has made no update for so long hangs, and so does an analysis without a new
    part: it is ended, and another goes on. Of workers."""
    # What a worker does about it: `worker/room.py`.
    least_free_mb: int = Field(500, ge=0)
    """Room that must stay free on the disks of the data directory and of a store that is a folder.
    Below it a worker takes no run, and gives back those that it trains."""
    flush_seconds: float = Field(0.15, gt=0)
    """The longest that a measurement waits in a trainer before it is written down."""
    resume_seconds: float = Field(10.0, gt=0)
    """Between resume points: what a crash costs at most."""
    cohort_size: int = Field(32, ge=1)
    """Runs that one trainer takes at most."""
    compile: bool = True
    """`false`: trainers do without torch.compile; slower, but they start at once."""
    device: str = "auto"
    """What trainers run on: `cpu`, `cuda`, `cuda:1`, or `auto`: a GPU where there is one."""
    tf32: bool = False
    """`true`: a GPU may round the factors of matrix products to 10 bits."""
    token: SecretStr = SecretStr("")
    """What pages and programs must show to be let in, of 16 characters or more. Without one the
    web server serves its own machine only."""
    token_file: Path | None = None
    """A file that holds the token, for secrets of containers."""
    hosts: Annotated[tuple[str, ...], NoDecode] = ()
    """Names that the web server is reached by besides those of its own machine, separated by
    commas: behind a proxy, with its port where that is not the usual one. Pages of any other name
    are another site's, and cannot use it."""
    embed_origins: Annotated[tuple[str, ...], NoDecode] = ()
    """Sites whose pages may show a card of a run in a frame (`/runs/ID?embed=1`), such as
    `https://hub.example.org`, separated by commas: trusted with all that the page can do."""
    trusted_proxies: str = ""
    """Addresses of proxies that may say for whom, and that over https, a request comes, separated
    by commas; `*` is any. Empty: none is believed."""
    root_path: str = ""
    """The path below which a proxy serves the web server, such as `/proxy/8000`. Empty: none."""
    deleted_days: float = Field(7.0, ge=0, le=3650)
    """For how long deleted runs can be restored; then their numbers and files go. 0: at once."""
    most_archive_gb: float = Field(20.0, gt=0, le=10_000)
    """How large an archive that is imported may be, sent and unpacked."""
    webhook_urls: Annotated[tuple[str, ...], NoDecode] = ()
    """Addresses that are told when a run has finished, failed, or has its phase change, separated
    by commas. Of the web server."""
    webhook_secret: SecretStr = SecretStr("")
    """What those messages are signed with, of 16 characters or more."""
    webhook_secret_file: Path | None = None
    """A file that holds it."""
    log_format: LogFormat = "text"
    """`json`: a JSON object a line, of every process."""
    # Why one is the best: docs/adr/0007.
    threads: int = Field(0, ge=0)
    """CPU threads of a trainer; 0: one."""

    @model_validator(mode="before")
    @classmethod
    def _with_secrets(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        return with_secrets(given)

    @field_validator("data_dir", mode="before")
    @classmethod
    def _named(cls, path: object) -> object:
        """An empty path would be the directory that the process happens to be in."""
        if isinstance(path, str) and not path.strip():
            raise ValueError("it is empty; write the path of a directory")
        return path

    @field_validator("redis_url", "device")
    @classmethod
    def _said(cls, text: str) -> str:
        if not text.strip():
            raise ValueError("it is empty")
        return text

    @field_validator("hosts", "embed_origins", mode="before")
    @classmethod
    def _by_commas(cls, hosts: object) -> object:
        """`a.example.org, b` as the environment has it."""
        if isinstance(hosts, str):
            return tuple(name.strip().lower() for name in hosts.split(",") if name.strip())
        return hosts

    @field_validator("webhook_urls", mode="before")
    @classmethod
    def _addresses(cls, urls: object) -> object:
        if isinstance(urls, str):
            return tuple(dict.fromkeys(url.strip() for url in urls.split(",") if url.strip()))
        return urls

    @field_validator("webhook_urls")
    @classmethod
    def _of_servers(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        for url in urls:
            if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
                shown = repr(without_passwords(url))
                raise ValueError(f"{shown} is no address; write https://example.org/hook")
        return urls

    @model_validator(mode="after")
    def _signed(self) -> Self:
        secret = self.webhook_secret.get_secret_value()
        if self.webhook_urls and len(secret) < SHORTEST_TOKEN:
            raise ValueError(
                f"OPTOSCOPE_WEBHOOK_URLS needs OPTOSCOPE_WEBHOOK_SECRET, of {SHORTEST_TOKEN} "
                "characters or more, by which it is known that messages are from here"
            )
        return self

    @field_validator("embed_origins")
    @classmethod
    def _origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:  # they are written into a header: nothing else may be
            if not ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is not an origin; write one such as https://hub.example.org or "
                    "http://localhost:8888, several with commas"
                )
        return origins

    @field_validator("root_path")
    @classmethod
    def _path(cls, path: str) -> str:
        return checked_root(path)

    @field_validator("database_url")
    @classmethod
    def _psycopg(cls, url: str) -> str:
        """SQLAlchemy's name of the driver, so that plain Postgres URLs can be given."""
        scheme, _, rest = url.partition("://")
        if scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
            shown = repr(without_passwords(url))
            raise ValueError(f"{shown} is not a Postgres URL; write postgresql://user@host/name")
        return f"postgresql+psycopg://{rest}"

    @property
    def access_token(self) -> str:
        """The token that lets everything in; empty: none is asked for. Raises `ValueError`."""
        found = self.token.get_secret_value().strip()
        if not found and self.token_file is not None:
            found = self._read_token(self.token_file)
        if found and len(found) < SHORTEST_TOKEN:
            raise ValueError(
                f"OPTOSCOPE_TOKEN has {len(found)} characters; take {SHORTEST_TOKEN} or more, for "
                "instance what `python -c 'import secrets; print(secrets.token_urlsafe())'` prints."
            )
        return found

    @staticmethod
    def _read_token(path: Path) -> str:
        try:
            found = path.read_text().strip()
        except OSError as error:
            raise ValueError(f"OPTOSCOPE_TOKEN_FILE cannot be read: {error}.") from None
        if not found:
            raise ValueError(f"OPTOSCOPE_TOKEN_FILE, {path}, is empty.")
        return found

    @property
    def most_archive_bytes(self) -> int:
        """The same in bytes."""
        return round(1e9 * self.most_archive_gb)

    @property
    def checkpoint_url(self) -> str:
        """Where checkpoints go, as an fsspec URL."""
        return self.store_url or (self.data_dir.resolve() / "checkpoints").as_uri()
