"""Servers that somebody else runs, named by OPTOSCOPE_DATABASE_URL and OPTOSCOPE_REDIS_URL."""

from urllib.parse import urlsplit

import psycopg
import redis

from app.stack.trouble import StackError

ANSWER_SECONDS = 5


def check_database(url: str) -> None:
    """Raises unless the database can be opened."""
    try:
        plain = url.replace("postgresql+psycopg://", "postgresql://", 1)
        psycopg.connect(plain, connect_timeout=ANSWER_SECONDS).close()
    except psycopg.Error as error:
        raise StackError(
            f"The database at {without_password(url)} (OPTOSCOPE_DATABASE_URL) cannot be opened: "
            f"{_first_line(error)}"
        ) from None


def check_redis(url: str) -> None:
    """Raises unless the server answers."""
    plain = url.replace("redis+socket://", "unix://", 1)
    try:
        with redis.Redis.from_url(
            plain, socket_connect_timeout=ANSWER_SECONDS, socket_timeout=ANSWER_SECONDS
        ) as client:
            client.ping()
    except (redis.RedisError, ValueError, OSError) as error:
        raise StackError(
            f"The Redis or Valkey server at {without_password(url)} (OPTOSCOPE_REDIS_URL) does "
            f"not answer: {_first_line(error)}"
        ) from None


def without_password(url: str) -> str:
    """The address as it may be shown."""
    parts = urlsplit(url.replace("postgresql+psycopg://", "postgresql://", 1))
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}{parts.path}" if parts.scheme else "an address without scheme"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
