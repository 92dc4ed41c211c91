"""Whether this process lives, and whether it can work."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel
from redis import RedisError
from sqlalchemy.exc import SQLAlchemyError

from app.db import runs
from app.db.engine import session_scope
from app.dependencies import Services, ServicesDep

router = APIRouter(tags=["health"])

Status = Literal["ok", "away"]


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """What the process needs, and whether it answers."""

    database: Status
    redis: Status


@router.get("/healthz")
def get_health() -> Health:
    """The process lives."""
    return Health()


@router.get("/readyz", responses={503: {"model": Readiness}})
def get_readiness(made: ServicesDep, response: Response) -> Readiness:
    """Database and Redis answer; 503 if not. Runs can be watched without Redis, but not begin."""
    readiness = Readiness(database=_database(made), redis=_redis(made))
    if "away" in (readiness.database, readiness.redis):
        response.status_code = 503
    return readiness


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
