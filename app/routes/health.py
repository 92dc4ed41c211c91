"""Whether this process lives, and whether it can work."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.db import runs
from app.db.engine import session_scope
from app.dependencies import Services, ServicesDep

router = APIRouter(tags=["health"])

Status = Literal["ok", "away"]
Work = Literal["ok", "silent"]


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """What the process needs, and whether it answers."""

    database: Status
    redis: Status
    background: dict[str, Work] = Field(
        description="Work that this process does beside requests: `reaper` looks after trainers, "
        "`listener` hears of their news, `janitor` removes files"
    )
    problems: list[str] = Field(description="What is wrong, in sentences; empty if nothing is")


@router.head("/healthz", include_in_schema=False)
@router.get("/healthz")
def get_health() -> Health:
    """The process lives."""
    return Health()


@router.head("/readyz", include_in_schema=False)
@router.get("/readyz", responses={503: {"model": Readiness}})
def get_readiness(made: ServicesDep, response: Response) -> Readiness:
    """Database and Redis answer, and background work is done; 503 if not.

    Runs can be watched without Redis, but not begin.
    """
    database, redis = _database(made), _redis(made)
    late = made.beats.late()
    readiness = Readiness(
        database=database,
        redis=redis,
        background={name: "silent" if name in late else "ok" for name in made.beats.ages()},
        problems=[*_away(database, redis), *map(_silent, late.items())],
    )
    if readiness.problems:
        response.status_code = 503
    return readiness


def _away(database: Status, redis: Status) -> list[str]:
    said = {
        "The database does not answer: nothing can be read or launched.": database,
        "Redis does not answer: runs wait, and pages show news a second late.": redis,
    }
    return [sentence for sentence, status in said.items() if status == "away"]


def _silent(late: tuple[str, float]) -> str:
    name, seconds = late
    return f"The {name} has done nothing for {seconds:.0f} s; the log of the web server says why."


def _database(made: Services) -> Status:
    try:
        # From the same pool as all requests: one that is used up makes this process not ready,
        # too.
        with session_scope(made.engine) as session:
            return "ok" if runs.answers(session) else "away"
    except SQLAlchemyError:
        return "away"


def _redis(made: Services) -> Status:
    try:
        made.outbox.redis.ping()
    except (RedisError, OSError):
        return "away"
    return "ok"
