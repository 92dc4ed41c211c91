"""Settings of the services, from the environment (`OPTOSCOPE_*`). Built once, passed down.

Experiment parameters are not settings: they are `RunConfig`, stored with the run.
"""

from pathlib import Path

from pydantic import field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where things are and how long to wait for them."""

    model_config = SettingsConfigDict(env_prefix="OPTOSCOPE_", frozen=True)

    database_url: str  # postgresql://...
    redis_url: str  # redis://... or redis+socket / unix://...
    data_dir: Path = Path(".optoscope")
    store_url: str = ""  # checkpoints: file:///..., s3://...; empty: `checkpoints` in data_dir
    # Five renewals and several sweeps of the reaper must fit in. Workers give it and keep it; web
    # servers only compare, so they need not be told.
    lease_seconds: float = 15.0  # a run whose trainer was silent for so long is lost
    flush_seconds: float = 0.15  # longest wait of a measurement in the trainer
    resume_seconds: float = 10.0  # between resume points: the most work that a crash can cost
    cohort_size: int = 32  # runs that one trainer takes at most
    compile: bool = True  # False: no torch.compile; slower, starts at once
    device: str = "auto"  # of a trainer: cpu, cuda, cuda:1; auto takes a GPU where there is one
    tf32: bool = False  # True: a GPU may round the factors of matrix products to 10 bits
    threads: int = 0  # CPU threads of a trainer; 0: one (docs/adr/0007)

    @field_validator("database_url")
    @classmethod
    def _psycopg(cls, url: str) -> str:
        """SQLAlchemy's name of the driver, so that plain Postgres URLs can be given."""
        scheme, _, rest = url.partition("://")
        if scheme not in ("postgres", "postgresql", "postgresql+psycopg"):
            raise ValueError(f"{url!r} is not a Postgres URL; write postgresql://user@host/name")
        return f"postgresql+psycopg://{rest}"

    @property
    def checkpoint_url(self) -> str:
        """Where checkpoints go, as an fsspec URL."""
        return self.store_url or (self.data_dir.resolve() / "checkpoints").as_uri()
