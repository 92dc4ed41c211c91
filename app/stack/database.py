"""The database of a command: the one that the environment names, or that of a data directory."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.config import Settings
from app.stack.child import Child
from app.stack.environment import checked_settings, named
from app.stack.leftovers import end_leftovers
from app.stack.places import open_data_dir, sole_use
from app.stack.servers.postgres import postgres, running_url
from app.stack.trouble import StackError

DATABASE, UNUSED = "OPTOSCOPE_DATABASE_URL", "redis://unused"


@contextmanager
def database_settings(data_dir: Path) -> Iterator[Settings]:
    """Settings with a database that answers: started for the block where nobody runs it."""
    if named(DATABASE):
        yield checked_settings(redis_url=UNUSED, data_dir=data_dir)
        return
    data = open_data_dir(data_dir)
    with ExitStack() as stack:
        try:
            stack.enter_context(sole_use(data))
        except StackError:  # `optoscope up` has it, and its server answers
            url = running_url(data)
        else:
            end_leftovers(data.records)
            program, url = postgres(data)
            child = Child(program, data)
            stack.callback(child.stop)
            child.start()
            child.await_ready()
        yield checked_settings(database_url=url, redis_url=UNUSED, data_dir=data.root)
